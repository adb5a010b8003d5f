/*
 * The top table: one row a function, sorted by any column, only rows in sight in the document. The
 * search leaves those that match.
 */

const TABLE_ROW = 24;

class TopTable {
	/* hooks: open(fn), menu(fn, x, y) */
	constructor(fns, hooks) {
		this.fns = fns;
		this.hooks = hooks;
		this.sort = {key: 'self', down: true};
		this.rows = [];
		this.shown = [];
		this.picked = 0;
		this.head = h('thead');
		this.body = h('tbody');
		this.table = h('table', {class: 'ph-table', role: 'grid', 'aria-label': 'Functions'},
			this.head, this.body);
		this.element = h('div', {class: 'ph-table-scroll', tabindex: 0, 'aria-label': 'Functions, by time'},
			this.table);
		this.element.addEventListener('scroll', () => this.draw());
		this.element.addEventListener('keydown', (e) => this.key(e));
		this.element.addEventListener('focus', () => this.mark());
		this.element.addEventListener('blur', () => this.mark());
		new ResizeObserver(() => this.draw()).observe(this.element);
	}

	setTree(tree, unit) {
		this.tree = tree;
		this.unit = unit;
		this.columns = this.columnsOf(tree.sides === 2);
		if (!this.columns.some((c) => c.key === this.sort.key))
			this.sort = {key: 'self', down: true};
		this.rows = topTable(tree, this.fns);
		this.drawHead();
		this.arrange();
	}

	setHits(hits) {
		this.hits = hits;
		this.arrange();
	}

	columnsOf(diff) {
		const last = diff ? 1 : 0, whole = (s) => this.tree.total[s][0];
		const value = (r, what, s) => formatValue(r[what][s], this.unit);
		const change = (r, what) => r[what][1] * this.tree.scale[1] - r[what][0] * this.tree.scale[0];
		const scaled = Math.max(...this.tree.total.map((t, s) => t[0] * this.tree.scale[s]));
		const columns = [{key: 'name', name: 'Function', text: null, by: (r) => this.fns.name[r.fn]}];
		for (const [what, name] of [['self', 'Self'], ['total', 'Total']]) {
			columns.push({key: what, name, text: (r) => value(r, what, last), by: (r) => r[what][last]});
			columns.push({key: what, name: '%', slim: true, text: (r) => formatShare(r[what][last], whole(last)),
				by: (r) => r[what][last]});
			if (diff)
				columns.push({key: what + 'Change', name: 'Change', by: (r) => change(r, what),
					text: (r) => signed(formatShare(change(r, what), scaled)),
					tone: (r) => Math.sign(change(r, what))});
		}
		return columns;
	}

	arrange() {
		const by = this.columns.find((c) => c.key === this.sort.key).by, sign = this.sort.down ? -1 : 1;
		const rows = this.hits ? this.rows.filter((r) => this.hits[r.fn]) : this.rows;
		this.shown = rows.map((r) => [by(r), r]).sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0))
			.map(([, r]) => r);
		this.picked = 0;
		this.element.scrollTop = 0;
		this.draw();
	}

	drawHead() {
		const cells = this.columns.map((c, i) => {
			const mine = c.key === this.sort.key && !c.slim;
			return h('th', {
				scope: 'col', class: i ? (c.slim ? 'ph-num ph-slim' : 'ph-num') : 'ph-name',
				'aria-sort': mine ? (this.sort.down ? 'descending' : 'ascending') : null,
			}, c.slim ? '' : this.headButton(c, mine, i > 0));
		});
		fill(this.head, h('tr', {}, ...cells));
	}

	/* The arrow stands on the side where it does not push the name out of line with its column. */
	headButton(column, mine, first) {
		const arrow = h('span', {class: 'ph-arrow', 'aria-hidden': 'true'}, mine ? (this.sort.down ? '▾' : '▴') : '');
		return h('button', {type: 'button', onclick: () => this.sortBy(column.key)},
			...(first ? [arrow, column.name] : [column.name, arrow]));
	}

	sortBy(key) {
		const again = this.sort.key === key;
		this.sort = {key, down: again ? !this.sort.down : key !== 'name'};
		this.drawHead();
		this.arrange();
	}

	draw() {
		if (!this.tree)
			return;
		const height = this.element.clientHeight || 600, n = this.shown.length;
		const first = Math.max(0, Math.floor(this.element.scrollTop / TABLE_ROW) - 4);
		const last = Math.min(n, first + Math.ceil(height / TABLE_ROW) + 8);
		const gap = (rows) => (rows > 0 ? h('tr', {class: 'ph-gap', 'aria-hidden': 'true'},
			h('td', {colspan: this.columns.length, style: `height:${rows * TABLE_ROW}px`})) : null);
		fill(this.body, gap(first), ...this.shown.slice(first, last).map((r, i) => this.row(r, first + i)),
			gap(n - last));
		this.mark();
		this.table.setAttribute('aria-rowcount', String(n + 1));
		if (!n)
			fill(this.body, h('tr', {}, h('td', {class: 'ph-none', colspan: this.columns.length},
				this.hits ? 'No function matches the search.' : 'No samples.')));
	}

	/* The row that keys act on. In place: a row made anew between press and release is not clicked. */
	mark() {
		const focused = document.activeElement === this.element;
		for (const row of this.body.rows) {
			const picked = focused && row.getAttribute('aria-rowindex') === String(this.picked + 2);
			row.classList.toggle('ph-picked', picked);
			row.setAttribute('aria-selected', String(picked));
		}
	}

	row(r, index) {
		const cells = this.columns.map((c) => {
			if (!c.text)
				return h('td', {class: 'ph-name', title: this.fns.name[r.fn]},
					h('span', {class: 'ph-swatch', style: `background:${this.swatch(r.fn)}`}), this.fns.name[r.fn]);
			const tone = c.tone ? c.tone(r) : 0;
			return h('td', {class: 'ph-num' + (c.slim ? ' ph-slim' : '') +
				(tone > 0 ? ' ph-more' : tone < 0 ? ' ph-less' : '')}, c.text(r));
		});
		return h('tr', {
			'aria-rowindex': index + 2,
			onclick: () => this.hooks.open(r.fn),
			oncontextmenu: (e) => {
				e.preventDefault();
				this.hooks.menu(r.fn, e.clientX, e.clientY);
			},
		}, ...cells);
	}

	key(event) {
		const page = Math.max(1, Math.floor(this.element.clientHeight / TABLE_ROW) - 2);
		const steps = {ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -1e9, End: 1e9};
		if (event.target !== this.element)
			return;
		if (event.key in steps) {
			event.preventDefault();
			this.picked = Math.max(0, Math.min(this.shown.length - 1, this.picked + steps[event.key]));
			const y = this.picked * TABLE_ROW, s = this.element;
			if (y < s.scrollTop)
				s.scrollTop = y;
			else if (y + 2 * TABLE_ROW > s.scrollTop + s.clientHeight)
				s.scrollTop = y + 3 * TABLE_ROW - s.clientHeight;
			this.draw();
		} else if (event.key === 'Enter' && this.shown[this.picked]) {
			event.preventDefault();
			this.hooks.open(this.shown[this.picked].fn);
		}
	}
}
