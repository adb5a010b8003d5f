/*
 * What floats above the graph: the card that describes a frame, and the menu of what can be done
 * with it.
 */

function placeOf(fns, fn, line) {
	const file = fns.file[fn];
	if (!file)
		return line > 0 ? `line ${line}` : '';
	return line > 0 ? `${file}:${line}` : line < 0 ? `${file} (several lines)` : file;
}

class HoverCard {
	constructor(fns) {
		this.fns = fns;
		this.element = h('div', {class: 'ph-card', role: 'tooltip', hidden: true});
	}

	hide() {
		this.element.hidden = true;
	}

	/* @view: the FlameView; @unit of its values; @x, @y where in the window. */
	show(view, node, others, unit, x, y) {
		const t = view.tree, fn = t.fn[node];
		const table = t.sides === 2 ? this.diffTable(t, node, unit) : this.table(t, node, unit, view.zoom);
		fill(this.element,
			h('div', {class: 'ph-card-name'}, this.fns.nameOf(fn)),
			fn < 0 ? null : this.facts(fn, t.line[node]),
			table,
			others > 0 ? h('div', {class: 'ph-card-note'},
				`and ${COUNT.format(others)} narrow ${others === 1 ? 'frame' : 'frames'} here: zoom in to reach them`) :
				null);
		this.place(x, y);
	}

	facts(fn, line) {
		const kind = this.fns.kind[fn], module = this.fns.module[fn], place = placeOf(this.fns, fn, line);
		if (kind === KIND_GROUP)
			return null;
		return h('div', {class: 'ph-card-facts'},
			h('div', {}, KIND_NAMES[kind] + (module ? ` · ${module}` : '')),
			place ? h('div', {}, place) : null);
	}

	table(t, node, unit, zoom) {
		const row = (name, value) => h('tr', {}, h('th', {scope: 'row'}, name),
			h('td', {}, formatValue(value, unit)), h('td', {}, formatShare(value, t.total[0][0])),
			zoom > 0 ? h('td', {}, formatShare(value, t.total[0][zoom])) : null);
		return h('table', {}, h('thead', {}, h('tr', {}, h('th'), h('th'), h('th', {scope: 'col'}, 'of all'),
			zoom > 0 ? h('th', {scope: 'col'}, 'of zoom') : null)),
		h('tbody', {}, row('Total', t.total[0][node]), row('Self', t.self[0][node])));
	}

	diffTable(t, node, unit) {
		const most = Math.max(t.total[0][0] * t.scale[0], t.total[1][0] * t.scale[1]);
		const row = (name, of) => {
			const cells = [0, 1].flatMap((s) => [h('td', {}, formatValue(of[s][node], unit)),
				h('td', {class: 'ph-dim'}, formatShare(of[s][node], t.total[s][0]))]);
			const change = of[1][node] * t.scale[1] - of[0][node] * t.scale[0];
			const tone = change > 0 ? 'ph-more' : change < 0 ? 'ph-less' : null;
			return h('tr', {}, h('th', {scope: 'row'}, name), ...cells,
				h('td', {class: tone}, signed(formatShare(change, most))));
		};
		const heads = ['', 'before', '', 'after', '', 'change'].map((x) => h('th', {scope: 'col'}, x));
		return h('table', {}, h('thead', {}, h('tr', {}, ...heads)),
			h('tbody', {}, row('Total', t.total), row('Self', t.self)));
	}

	place(x, y) {
		const e = this.element;
		e.hidden = false;
		const box = e.getBoundingClientRect(), gap = 14;
		const left = x + gap + box.width > window.innerWidth - 4 ? x - gap - box.width : x + gap;
		const top = y + gap + box.height > window.innerHeight - 4 ? y - gap - box.height : y + gap;
		e.style.left = `${Math.max(4, left)}px`;
		e.style.top = `${Math.max(4, top)}px`;
	}
}

class FrameMenu {
	constructor() {
		this.element = h('div', {class: 'ph-menu', role: 'menu', 'aria-label': 'Frame', hidden: true});
		this.element.addEventListener('keydown', (e) => this.key(e));
		document.addEventListener('pointerdown', (e) => {
			if (!this.element.contains(e.target))
				this.close(false);
		});
	}

	/* @items: [name, key hint or '', action]; the focus goes back to @owner afterwards. */
	open(title, items, x, y, owner) {
		this.owner = owner;
		const choose = (action) => () => {
			this.close(true);
			action();
		};
		fill(this.element, h('div', {class: 'ph-menu-title'}, title),
			...items.map(([name, hint, action]) => h('button', {
				type: 'button', role: 'menuitem', tabindex: -1, onclick: choose(action),
			}, h('span', {}, name), hint ? h('kbd', {}, hint) : null)));
		this.element.hidden = false;
		const box = this.element.getBoundingClientRect();
		this.element.style.left = `${Math.max(4, Math.min(x, window.innerWidth - box.width - 4))}px`;
		this.element.style.top = `${Math.max(4, Math.min(y, window.innerHeight - box.height - 4))}px`;
		this.element.querySelector('button').focus();
	}

	close(back) {
		if (this.element.hidden)
			return false;
		this.element.hidden = true;
		if (back && this.owner)
			this.owner.focus({preventScroll: true});
		return true;
	}

	key(event) {
		const items = [...this.element.querySelectorAll('button')], at = items.indexOf(document.activeElement);
		const steps = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1};
		if (event.key === 'Escape' || event.key === 'Tab') {
			event.preventDefault();
			event.stopPropagation();
			this.close(true);
		} else if (event.key in steps) {
			event.preventDefault();
			event.stopPropagation();
			items[(steps[event.key] + items.length) % items.length].focus();
		}
	}
}
