/*
 * The component: `new Flame(model).mount(element)` fills an element, whose height its owner decides,
 * with controls, graph, table and sandwich. The state is one object; set() is the only way to
 * change it and decides what must be made again.
 */

const TREE_STATE = ['type', 'filter', 'group', 'collapse', 'show', 'scale'];

class Flame {
	constructor(model) {
		this.model = model;
		this.fns = model.fns;
		const diff = model.profiles.length === 2;
		this.state = {
			view: 'graph', type: model.type, filter: new Map(), group: model.group, collapse: false,
			show: diff ? 'diff' : 'after', scale: model.scale, colour: diff ? 'change' : 'kind', up: false,
			search: '', regex: false, fn: -1,
		};
		this.hits = null;
		this.card = new HoverCard(this.fns);
		this.menu = new FrameMenu();
		this.bar = toolbarOf(this);
		this.help = helpDialog();
		this.views = {
			main: this.view('Flame graph'), callers: this.view('Callers'), callees: this.view('Callees'),
		};
		this.table = new TopTable(this.fns, {
			open: (fn) => this.openFunction(fn), menu: (fn, x, y) => this.openMenu(fn, -1, null, x, y),
		});
		this.layout();
	}

	view(label) {
		const view = new FlameView(this.fns, label, {
			hover: (node, others, e) => this.card.show(view, node, others, this.unit(), e.clientX, e.clientY),
			leave: () => this.card.hide(),
			open: (node) => this.zoom(view, node),
			menu: (node, x, y) => this.openMenu(view.tree.fn[node], node, view, x, y),
			focus: (node) => this.focused(view, node),
		});
		return view;
	}

	layout() {
		const {main, callers, callees} = this.views;
		callers.up = true;
		callers.rootless = callees.rootless = 1;
		this.crumbs = h('nav', {class: 'ph-crumbs', 'aria-label': 'Zoom'});
		this.legend = h('div', {class: 'ph-legend'});
		this.live = h('div', {class: 'ph-offscreen', role: 'status', 'aria-live': 'polite'});
		this.panes = {
			table: h('section', {class: 'ph-pane', 'aria-label': 'Top functions'}, this.table.element),
			graph: h('section', {class: 'ph-pane', 'aria-label': 'Graph'}, main.element),
			sandwich: h('section', {class: 'ph-pane ph-sandwich', 'aria-label': 'Sandwich'},
				h('h3', {}, 'Callers'), callers.element, h('h3', {}, 'Callees'), callees.element),
		};
		this.element = h('div', {class: 'ph'}, this.bar.element, this.crumbs,
			h('div', {class: 'ph-main'}, ...Object.values(this.panes)), this.legend, this.live,
			this.card.element, this.menu.element, this.help);
	}

	mount(parent) {
		parent.append(this.element);
		document.addEventListener('keydown', (e) => this.key(e));
		window.addEventListener('beforeprint', () => this.print(true));
		window.addEventListener('afterprint', () => this.print(false));
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.restyle());
		this.rebuild();
		return this;
	}

	/* --- state --- */

	set(change) {
		const before = {...this.state}, differs = (key) => before[key] !== this.state[key];
		Object.assign(this.state, change);
		if (differs('view') && this.state.view === 'sandwich' && this.state.fn < 0)
			this.state.fn = this.chosen();
		if (TREE_STATE.some(differs))
			this.rebuild();
		else if (differs('fn'))
			this.cutSandwich();
		if (differs('up'))
			this.views.main.setUp(this.state.up);
		if (differs('search') || differs('regex'))
			this.find();
		if (differs('colour'))
			this.restyle();
		this.refresh();
		if (differs('view') || differs('fn')) {
			this.views.callers.resize();	/* only now it has a height */
			this.views.callers.toRoot();
		}
	}

	unit() {
		return this.model.types.find((t) => t.type === this.state.type).unit;
	}

	sides() {
		if (this.model.profiles.length === 1)
			return [0];
		return {before: [0], after: [1], diff: [0, 1]}[this.state.show];
	}

	/* The data or the question changed: a new tree, and all that hangs on it. */
	rebuild() {
		const s = this.state;
		this.tree = buildTree(this.model, {
			type: s.type, filter: s.filter, group: s.group, collapse: s.collapse, sides: this.sides(),
			normalised: s.scale === 'normalised',
		});
		this.card.hide();
		this.views.main.up = s.up;
		this.restyle();
		this.views.main.setTree(this.tree, this.palette(this.tree));
		this.cutSandwich();
		this.table.setTree(this.tree, this.unit());
		this.find();
		this.refresh();
	}

	/* What a sandwich without a choice shows: the function with most time of its own. */
	chosen() {
		const {main} = this.views, fn = main.tree.fn[main.focus];
		if (fn >= 0)
			return fn;
		const top = topTable(this.tree, this.fns), last = this.tree.sides - 1;
		return top.length ? top.reduce((a, b) => (b.self[last] > a.self[last] ? b : a)).fn : -1;
	}

	cutSandwich() {
		if (this.state.fn < 0)
			return;
		const {callers, callees} = sandwich(this.tree, this.state.fn);
		this.views.callers.setTree(callers, this.palette(callers));
		this.views.callees.setTree(callees, this.palette(callees));
	}

	/* --- looks --- */

	dark() {
		return getComputedStyle(this.element).getPropertyValue('--ph-dark').trim() === '1';
	}

	palette(tree) {
		return paletteOf(this.state.colour, tree, this.fns, this.dark());
	}

	restyle() {
		const css = getComputedStyle(this.element), get = (name) => css.getPropertyValue('--ph-' + name).trim();
		const style = {font: `12px ${css.fontFamily}`};
		for (const name of ['background', 'text', 'hit', 'miss', 'hatch', 'hover', 'focus'])
			style[name] = get('graph-' + name);
		style.hitText = get('graph-hit-text');
		style.missText = get('graph-miss-text');
		for (const view of Object.values(this.views))
			view.setPalette(view.tree ? this.palette(view.tree) : null, style);
		const swatches = paletteByFunction(this.state.colour, this.fns, this.dark());
		this.table.swatch = swatches;
		this.table.draw();
		this.drawLegend();
	}

	refresh() {
		const {view} = this.state;
		this.bar.show(this.state);
		this.panes.table.hidden = view === 'graph' || view === 'sandwich';
		this.panes.graph.hidden = view === 'table' || view === 'sandwich';
		this.panes.sandwich.hidden = view !== 'sandwich';
		this.element.dataset.view = view;
		this.element.dataset.sides = String(this.tree.sides);
		this.drawCrumbs();
		this.showMatch();
	}

	drawLegend() {
		const {colour} = this.state, diff = this.tree.sides === 2 && colour.startsWith('change');
		const item = (c, ...text) => h('span', {class: 'ph-key'},
			h('span', {class: 'ph-swatch', style: `background:${c}`}), ...text);
		if (diff) {
			const ramp = [-1, -0.5, 0, 0.5, 1].map((x) => changeColour(colour, x, this.dark() ? 1 : 0));
			fill(this.legend, h('span', {class: 'ph-key'}, 'less',
				...ramp.map((c) => h('span', {class: 'ph-swatch', style: `background:${c}`})), 'more'),
			h('span', {class: 'ph-key'}, h('span', {class: 'ph-swatch ph-striped'}), 'only before'),
			h('span', {class: 'ph-key ph-dim'}, 'width: the larger of both'));
			return;
		}
		const mode = colour.startsWith('change') ? 'kind' : colour;
		const all = legendOf(mode, this.tree, this.fns, this.dark()), whole = this.tree.total[this.tree.sides - 1][0];
		fill(this.legend, ...all.slice(0, 9).map((l) => item(l.colour, `${l.name} `,
			h('span', {class: 'ph-dim'}, formatShare(l.share, whole)))),
		all.length > 9 ? h('span', {class: 'ph-dim'}, `and ${all.length - 9} more`) : null);
	}

	/* all > main > ... > the zoomed frame; at the right what that comes to. */
	drawCrumbs() {
		const {main} = this.views, t = this.tree, path = [];
		for (let at = main.zoom; at > 0; at = t.parent[at])
			path.unshift(at);
		const crumb = (node) => h('button', {
			type: 'button', title: this.fns.nameOf(t.fn[node]), 'aria-current': node === main.zoom ? 'true' : null,
			onclick: () => this.zoom(main, node),
		}, this.fns.nameOf(t.fn[node]));
		const shown = path.length > 6 ? [path[0], -1, ...path.slice(-4)] : path;
		const parts = [0, ...shown].map((n) => (n < 0 ? h('span', {class: 'ph-dim'}, '…') : crumb(n)));
		const inSandwich = this.state.view === 'sandwich';
		fill(this.crumbs, h('div', {class: 'ph-path'},
			...(inSandwich ? this.sandwichCrumbs() : parts.flatMap((p, i) => (i ?
				[h('span', {class: 'ph-sep', 'aria-hidden': 'true'}, '›'), p] : [p]))),
			main.zoom > 0 && !inSandwich ? h('button', {type: 'button', class: 'ph-reset',
				onclick: () => this.zoom(main, 0)}, 'Reset') : null),
		this.bar.search.result, h('div', {class: 'ph-sum'}, this.sumText()));
	}

	sandwichCrumbs() {
		const name = this.state.fn < 0 ? 'no function chosen' : this.fns.name[this.state.fn];
		return [h('button', {type: 'button', onclick: () => this.set({view: 'graph'})}, 'Graph'),
			h('span', {class: 'ph-sep', 'aria-hidden': 'true'}, '›'),
			h('span', {class: 'ph-current', title: name}, name)];
	}

	/* The sandwich's or the zoomed frame's total, and its share of all. */
	sumText() {
		const inSandwich = this.state.view === 'sandwich' && this.state.fn >= 0;
		const t = inSandwich ? this.views.callees.tree : this.tree, node = inSandwich ? 0 : this.views.main.zoom;
		const text = (s) => formatValue(t.total[s][node], this.unit()) + (inSandwich || node > 0 ?
			` (${formatShare(t.total[s][node], this.tree.total[s][0])})` : '');
		const name = this.model.types.length > 1 || this.unit() !== 'count' ? ` ${this.state.type}` : ' samples';
		return t.sides === 2 ? `${text(0)} → ${text(1)}${name}` : text(0) + name;
	}

	/* --- search --- */

	matcher() {
		const {search, regex} = this.state;
		if (!search)
			return null;
		if (!regex) {
			const low = search.toLowerCase();
			return (text) => text.toLowerCase().includes(low);
		}
		const expression = new RegExp(search, 'i');
		return (text) => expression.test(text);
	}

	find() {
		this.wrong = false;
		this.hits = null;
		let match = null;
		try {
			match = this.matcher();
		} catch {
			this.wrong = true;
		}
		if (match) {
			this.hits = new Uint8Array(this.fns.name.length);
			for (let i = 0; i < this.hits.length; i++)
				this.hits[i] = match(this.fns.name[i]) || match(this.fns.module[i]) ? 1 : 0;
		}
		for (const view of Object.values(this.views))
			view.setHits(this.hits);
		this.table.setHits(this.hits);
		this.showMatch();
	}

	/* -> {all: by side, zoom: by side} of what the search matches, or null. */
	matched() {
		return this.hits ? matchedTotal(this.tree, this.hits, this.views.main.zoom) : null;
	}

	showMatch() {
		const m = this.matched(), {zoom} = this.views.main, last = this.tree.sides - 1;
		let text = this.wrong ? 'not an expression' : '';
		if (m) {
			const share = (s) => formatShare(m.all[s], this.tree.total[s][0]);
			text = last ? `${share(0)} → ${share(1)} matched` : `${share(0)} matched`;
			if (zoom > 0)
				text += ` (${formatShare(m.zoom[last], this.tree.total[last][zoom])} of zoom)`;
		}
		this.bar.search.show(this.state, text, this.wrong);
	}

	nextMatch(step) {
		const view = this.activeView(), t = view.tree;
		if (!this.hits || !t)
			return;
		const order = t.order, at = order.indexOf(view.focus);
		for (let i = 1; i <= t.n; i++) {
			const node = order[(at + step * i + t.n * 2) % t.n];
			if (node === 0 || !this.hits[t.fn[node]])
				continue;
			view.canvas.focus({preventScroll: true});
			if (!this.inZoom(view, node))
				this.zoom(view, 0);
			view.focusOn(node);
			return;
		}
	}

	inZoom(view, node) {
		const t = view.tree, from = t.start[view.zoom];
		return t.start[node] >= from && t.start[node] < from + t.width[view.zoom];
	}

	/* --- what frames and rows can do --- */

	zoom(view, node) {
		view.zoomTo(node);
		this.card.hide();
		this.refresh();
		this.say(`Zoomed to ${this.fns.nameOf(view.tree.fn[node])}`);
	}

	openFunction(fn) {
		this.set({fn, view: 'sandwich'});
	}

	openMenu(fn, node, view, x, y) {
		this.card.hide();
		if (fn < 0)
			return;
		const name = this.fns.name[fn], group = this.fns.kind[fn] === KIND_GROUP;
		const items = [];
		if (view)
			items.push(['Zoom', 'Enter', () => this.zoom(view, node)]);
		if (!group)
			items.push(['Callers and callees', 's', () => this.openFunction(fn)],
				['Search for it', '', () => this.set({search: name, regex: false})]);
		items.push(['Copy name', 'c', () => this.copy(name)]);
		this.menu.open(name, items, x, y, view ? view.canvas : this.table.element);
	}

	async copy(name) {
		this.say(await copyText(name) ? `Copied ${name}` : 'The browser refused to copy');
	}

	focused(view, node) {
		const t = view.tree, at = view.pointOf(node), last = t.sides - 1;
		this.card.show(view, node, 0, this.unit(), at.x, at.y + ROW);
		this.say(`${this.fns.nameOf(t.fn[node])}, ${formatShare(t.total[last][node], t.total[last][0])}`);
	}

	say(text) {
		this.live.textContent = text;
	}

	/* --- keys --- */

	activeView() {
		const {main, callers, callees} = this.views;
		if (this.state.view !== 'sandwich')
			return main;
		return document.activeElement === callers.canvas ? callers : callees;
	}

	focusGraph() {
		this.activeView().canvas.focus({preventScroll: true});
	}

	escape() {
		const {main} = this.views;
		this.card.hide();
		if (this.menu.close(true) || this.bar.filter.close())
			return;
		if (this.state.search)
			this.set({search: ''});
		else if (this.state.view === 'sandwich')
			this.set({view: 'graph'});
		else
			this.zoom(main, 0);
	}

	key(event) {
		const typing = event.target.closest && event.target.closest('input, select, textarea, dialog');
		if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing || this.help.open)
			return;
		const {view, up, collapse} = this.state, active = this.activeView();
		const node = active.hover >= 0 ? active.hover : active.focus, fn = active.tree ? active.tree.fn[node] : -1;
		const keys = {
			'/': () => this.bar.search.input.focus(),
			'?': () => this.help.showModal(),
			Escape: () => this.escape(),
			0: () => this.zoom(active, 0),
			Backspace: () => this.zoom(active, active.tree.parent[active.zoom]),
			i: () => this.set({up: !up}),
			r: () => this.set({collapse: !collapse}),
			t: () => this.set({view: view === 'both' ? 'graph' : 'both'}),
			s: () => (fn >= 0 ? this.openFunction(fn) : this.set({view: 'sandwich'})),
			c: () => fn >= 0 && this.copy(this.fns.name[fn]),
			n: () => this.nextMatch(1),
			N: () => this.nextMatch(-1),
		};
		if (!Object.hasOwn(keys, event.key))
			return;
		event.preventDefault();
		keys[event.key]();
	}

	/* Paper does not scroll: the graph is drawn at its full height, up to some pages. */
	print(on) {
		const {main} = this.views;
		this.element.classList.toggle('ph-print', on);
		main.element.style.height = on ? `${Math.min(main.rows() * ROW + 2, 6000)}px` : '';
		this.restyle();
		main.resize();
		main.drawNow();
	}
}
