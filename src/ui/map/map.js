/*
 * The page: drawing (SVG), moving about, choosing, filters, keys. Names come from anywhere: they reach the page as
 * text nodes and attributes only.
 */

const LABELS_MAX = 90;	/* edges; more of them only show theirs when chosen */
const KINDS = ['service', 'workload', 'pod', 'container', 'process', 'node', 'name', 'address', 'other'];

function s(tag, attributes, ...children) {
	const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [key, value] of Object.entries(attributes || {}))
		if (key.startsWith('on'))
			e.addEventListener(key.slice(2), value);
		else if (value !== null && value !== undefined)
			e.setAttribute(key, value);
	e.append(...children.filter((c) => c !== null && c !== undefined));
	return e;
}

const short = (text, n) => [...text].length > n ? [...text].slice(0, n - 1).join('') + '…' : text;

class MapPage {
	constructor(model) {
		this.model = model;
		this.filter = {words: '', ns: '', protocol: '', bad: false};
		this.chosen = null;
		this.world = s('g', {});
		this.svg = s('svg', {class: 'map-graph', role: 'group', 'aria-label': 'the map', tabindex: 0}, s('defs', {},
			...['', 'bad', 'chosen'].map((kind) => s('marker', {id: `arrow${kind}`, viewBox: '0 0 10 10', refX: 9, refY: 5,
				markerWidth: 9, markerHeight: 9, orient: 'auto-start-reverse', markerUnits: 'userSpaceOnUse'},
			s('path', {d: 'M0,0 L10,5 L0,10 z', style: `fill: var(--${{'': 'map-edge', bad: 'map-bad', chosen: 'ph-accent'}[kind]})`})))),
		this.world);
		this.panel = h('aside', {class: 'map-panel', 'aria-label': 'figures', 'aria-live': 'polite', hidden: true});
		this.none = h('div', {class: 'map-none', hidden: true}, 'nothing to show');
		this.help = helpDialog();
	}

	mount(place) {
		place.append(this.bar(), h('div', {class: 'map-body'}, this.svg, this.none, this.panel), legend(this.model), this.help);
		this.listen();
		this.redraw();
	}

	/* --- controls --- */

	bar() {
		const {model} = this, unique = (list) => [...new Set(list)].filter(Boolean).sort();
		const pick = (label, key, values, all) => h('select', {'aria-label': label,
			onchange: (ev) => this.set({[key]: ev.target.value})}, h('option', {value: ''}, all),
		...values.map((v) => h('option', {value: v}, printable(v))));
		this.find = h('input', {class: 'map-find', type: 'search', placeholder: 'Search ( / )', 'aria-label': 'Search',
			oninput: (ev) => this.search(ev.target.value), onkeydown: (ev) => ev.key === 'Enter' && this.toFirst()});
		this.found = h('span', {class: 'map-about', role: 'status'});
		this.bad = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => this.set({bad: !this.filter.bad})}, 'Failing');
		const button = (label, text, f) => h('button', {type: 'button', 'aria-label': label, title: label, onclick: f}, text);
		return h('div', {class: 'map-bar'}, h('h1', {}, 'porthole map'), this.find,
			pick('Namespace', 'ns', unique(model.nodes.map((n) => n.ns)), 'all namespaces'),
			pick('Protocol', 'protocol', unique(model.edges.map((e) => e.protocol)), 'all protocols'), this.bad, this.found,
			h('span', {class: 'map-space'}), aboutOf(model), button('Zoom in', '+', () => this.zoom(1.3)),
			button('Zoom out', '−', () => this.zoom(1 / 1.3)), button('Show all', 'Fit', () => this.fit()),
			button('Light or dark', '◐', turnTheme), button('Keys', '?', () => this.help.showModal()));
	}

	set(change) {
		Object.assign(this.filter, change);
		this.bad.setAttribute('aria-pressed', String(this.filter.bad));
		this.redraw();
	}

	search(words) {
		this.filter.words = words;
		this.mark();
		const n = this.shown.nodes.filter((x) => matches(x, words)).length;
		this.found.textContent = words ? `${n} found` : '';
	}

	toFirst() {
		const node = this.shown.nodes.find((n) => matches(n, this.filter.words));
		if (node)
			this.choose({node}, true);
	}

	/* --- drawing --- */

	redraw() {
		this.shown = filterMap(this.model, this.filter);
		this.at = layoutMap(this.shown);
		const pairs = new Map(), keyOf = (e) => [e.client.id, e.server.id].sort().join(' ');
		for (const e of this.shown.edges)
			pairs.set(keyOf(e), [...pairs.get(keyOf(e)) || [], e]);
		this.parts = new Map();
		const edges = this.shown.edges.map((e) => {
			const pair = pairs.get(keyOf(e));
			return this.edgePart(e, pair.indexOf(e), pair.length);
		});
		fill(this.world, ...edges, ...this.shown.nodes.map((n) => this.nodePart(n)));
		this.none.hidden = this.shown.nodes.length > 0;
		if (this.chosen && !this.parts.has(this.chosen.edge || this.chosen.node))
			this.choose(null);
		this.search(this.filter.words);
		this.fit();
	}

	edgePart(e, nth, n) {
		const curve = curveOf(this.at.get(e.client), this.at.get(e.server), nth, n), label = edgeLabel(e);
		const few = this.shown.edges.length <= LABELS_MAX;
		const width = Math.min(7, 1.3 + Math.log10(1 + (e.per_second || 0)));
		const part = s('g', {class: `map-edge${e.bad > 0.001 ? ' map-bad' : ''}${e.requests ? '' : ' map-dashed'}`, tabindex: 0,
			role: 'button', 'aria-label': `${edgeTitle(e)}: ${label}`, onclick: () => this.choose({edge: e})},
		s('title', {}, `${edgeTitle(e)}\n${label}`), s('path', {class: 'map-hit', d: curve.path}),
		s('path', {class: 'map-line', d: curve.path, 'stroke-width': width, 'marker-end': `url(#arrow${e.bad > 0.001 ? 'bad' : ''})`}),
		few ? s('text', {x: curve.x, y: curve.y}, short(label, 44)) : null);
		this.parts.set(e, part);
		return part;
	}

	nodePart(n) {
		const {x, y} = this.at.get(n), left = -NODE_W / 2, top = -NODE_H / 2;
		const kind = KINDS.includes(n.kind) ? n.kind : 'other';
		const part = s('g', {class: 'map-node', transform: `translate(${x},${y})`, tabindex: 0, role: 'button',
			'aria-label': `${n.full}, ${n.kind}`, onclick: () => this.choose({node: n})}, s('title', {}, `${n.full} (${n.kind})`),
		s('rect', {class: 'map-box', x: left, y: top, width: NODE_W, height: NODE_H, rx: 7}),
		s('rect', {x: left, y: top + 5, width: 4, height: NODE_H - 10, rx: 2, style: `fill: var(--map-${kind})`}),
		s('text', {x: left + 14, y: -3}, short(n.shown, 25)),
		s('text', {class: 'map-sub', x: left + 14, y: 13}, short(n.ns ? `${printable(n.ns)} · ${n.kind}` : n.kind, 30)));
		this.parts.set(n, part);
		return part;
	}

	/* Which parts are bright: those found; of what is chosen, it and its neighbours. */
	mark() {
		const {chosen} = this, words = this.filter.words;
		const near = chosen?.node ? new Set([chosen.node, ...chosen.node.out, ...chosen.node.in,
			...chosen.node.out.map((e) => e.server), ...chosen.node.in.map((e) => e.client)]) : null;
		for (const [thing, part] of this.parts) {
			const hit = thing.client ? matches(thing.client, words) || matches(thing.server, words) : matches(thing, words);
			const mine = thing === (chosen?.edge || chosen?.node);
			part.classList.toggle('map-faint', !hit || (near !== null && !near.has(thing)));
			part.classList.toggle('map-chosen', mine);
			if (thing.client)
				part.querySelector('.map-line').setAttribute('marker-end', `url(#arrow${mine ? 'chosen' : thing.bad > 0.001 ? 'bad' : ''})`);
		}
	}

	choose(what, move) {
		const moved = this.panel.hidden !== !what;
		this.chosen = what;
		this.panel.hidden = !what;
		if (what)
			fill(this.panel, h('button', {type: 'button', class: 'map-close', 'aria-label': 'Close', onclick: () => this.choose(null)}, '×'),
				...(what.edge ? edgeFigures(what.edge) : nodeFigures(what.node, (w) => this.choose(w, true))));
		this.mark();
		if (moved && this.fitted)
			this.fit();
		if (move || moved)
			this.reveal(what);
	}

	/* --- moving --- */

	apply() {
		const {x, y, k} = this.view;
		this.world.setAttribute('transform', `translate(${x},${y}) scale(${k})`);
	}

	fit() {
		const places = [...this.at.values()], box = this.svg.getBoundingClientRect();
		this.fitted = true;
		if (!places.length) {
			this.view = {x: 0, y: 0, k: 1};
			return this.apply();
		}
		const span = (key, half) => [Math.min(...places.map((p) => p[key])) - half, Math.max(...places.map((p) => p[key])) + half];
		const [x1, x2] = span('x', NODE_W / 2 + 70), [y1, y2] = span('y', NODE_H / 2 + 40);
		const k = Math.min(1.25, box.width / (x2 - x1), box.height / (y2 - y1));
		this.view = {k, x: box.width / 2 - k * (x1 + x2) / 2, y: box.height / 2 - k * (y1 + y2) / 2};
		return this.apply();
	}

	/* About a point of the graph, its middle when none is given. */
	zoom(by, px, py) {
		this.fitted = false;
		const box = this.svg.getBoundingClientRect(), {x, y, k} = this.view;
		const to = Math.max(0.05, Math.min(4, k * by)), cx = px ?? box.width / 2, cy = py ?? box.height / 2;
		this.view = {k: to, x: cx - (cx - x) * to / k, y: cy - (cy - y) * to / k};
		this.apply();
	}

	pan(dx, dy) {
		this.fitted = false;
		this.view.x += dx;
		this.view.y += dy;
		this.apply();
	}

	/* Where the middle of a node or edge is, in the graph's pixels. */
	place(what) {
		const p = what.node ? this.at.get(what.node) : {x: (this.at.get(what.edge.client).x + this.at.get(what.edge.server).x) / 2,
			y: (this.at.get(what.edge.client).y + this.at.get(what.edge.server).y) / 2};
		return {x: p.x * this.view.k + this.view.x, y: p.y * this.view.k + this.view.y};
	}

	/* Moves no further than it must, and not at all while all is on the screen. */
	reveal(what) {
		const box = this.svg.getBoundingClientRect(), at = what && this.place(what), room = 110;
		const into = (v, size) => v < room ? room - v : v > size - room ? size - room - v : 0;
		if (at && (into(at.x, box.width) || into(at.y, box.height)))
			this.pan(into(at.x, box.width), into(at.y, box.height));
	}

	listen() {
		let from = null, far = false;
		this.svg.addEventListener('wheel', (ev) => {
			const box = this.svg.getBoundingClientRect();
			ev.preventDefault();
			this.zoom(Math.exp(-ev.deltaY * (ev.ctrlKey ? 0.01 : 0.0015)), ev.clientX - box.left, ev.clientY - box.top);
		}, {passive: false});
		this.svg.addEventListener('pointerdown', (ev) => {
			from = {x: ev.clientX, y: ev.clientY};
			far = false;
		});
		this.svg.addEventListener('pointermove', (ev) => {
			if (!from || !ev.buttons)
				return;
			const dx = ev.clientX - from.x, dy = ev.clientY - from.y;
			if (!far && Math.hypot(dx, dy) < 4)
				return;
			far = true;
			this.svg.setPointerCapture(ev.pointerId);
			this.svg.classList.add('map-moving');
			this.pan(dx, dy);
			from = {x: ev.clientX, y: ev.clientY};
		});
		this.svg.addEventListener('pointerup', () => {
			from = null;
			this.svg.classList.remove('map-moving');
		});
		this.svg.addEventListener('click', (ev) => !far && ev.target === this.svg && this.choose(null));
		document.addEventListener('keydown', (ev) => this.key(ev));
		window.addEventListener('resize', () => this.fitted && this.fit());
	}

	key(ev) {
		const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(ev.target.tagName), step = 60;
		const keys = {'+': () => this.zoom(1.3), '=': () => this.zoom(1.3), '-': () => this.zoom(1 / 1.3), 0: () => this.fit(),
			'/': () => this.find.focus(), '?': () => this.help.showModal(), f: () => this.set({bad: !this.filter.bad}),
			n: () => this.step(1), p: () => this.step(-1), t: turnTheme, ArrowLeft: () => this.pan(step, 0),
			ArrowRight: () => this.pan(-step, 0), ArrowUp: () => this.pan(0, step), ArrowDown: () => this.pan(0, -step)};
		if (this.help.open || ev.ctrlKey || ev.metaKey || ev.altKey)
			return;
		if (ev.key === 'Escape') {
			this.find.value = '';
			this.search('');
			this.choose(null);
			this.find.blur();
		} else if (!typing && (ev.key === 'Enter' || ev.key === ' ') && ev.target.closest('.map-edge, .map-node')) {
			ev.preventDefault();
			ev.target.dispatchEvent(new MouseEvent('click', {bubbles: true}));
		} else if (!typing && keys[ev.key]) {
			ev.preventDefault();
			keys[ev.key]();
		}
	}

	/* The next edge, the busiest first. */
	step(by) {
		const list = [...this.shown.edges].sort((a, b) => b.requests - a.requests || a.id - b.id);
		const i = this.chosen?.edge ? list.indexOf(this.chosen.edge) + by : by > 0 ? 0 : list.length - 1;
		if (list.length)
			this.choose({edge: list[(i + list.length) % list.length]}, true);
	}
}

function turnTheme() {
	const root = document.documentElement;
	const dark = getComputedStyle(root).colorScheme === 'dark';
	root.dataset.theme = dark ? 'light' : 'dark';
}

function aboutOf(model) {
	const when = model.time ? `, until ${new Date(model.time).toISOString().slice(0, 19).replace('T', ' ')} UTC` : '';
	return h('span', {class: 'map-about'}, `${COUNT.format(model.nodes.length)} nodes, ${COUNT.format(model.edges.length)} edges, ` +
		`${model.seconds.toFixed(1)} s${when}`,
	model.lost ? h('span', {class: 'map-lost'}, ` · ${COUNT.format(model.lost)} events lost`) : null,
	model.folded ? h('span', {class: 'map-lost'}, ` · ${COUNT.format(model.folded)} folded into "other"`) : null);
}

function legend(model) {
	const kinds = KINDS.filter((k) => model.nodes.some((n) => n.kind === k));
	return h('div', {class: 'map-keys'}, ...kinds.map((k) => {
		const dot = h('i', {'aria-hidden': 'true'});
		dot.style.background = `var(--map-${k})`;
		return h('span', {}, dot, k);
	}), h('span', {}, 'arrows go from who asks to who is asked · red: some failed · dashed: not read, connections only'));
}

function helpDialog() {
	const rows = [['/', 'search; Enter goes to the first'], ['+ − 0', 'zoom, show all'], ['arrows', 'move'],
		['Tab, Enter', 'to each edge and node; figures'], ['n p', 'next and previous edge, the busiest first'],
		['f', 'only what fails'], ['t', 'light or dark'], ['Escape', 'choose nothing']];
	return h('dialog', {'aria-label': 'Keys'}, h('table', {}, h('tbody', {}, ...rows.map(([k, what]) =>
		h('tr', {}, h('td', {}, h('kbd', {}, k)), h('td', {}, what))))),
	h('form', {method: 'dialog'}, h('button', {}, 'Close')));
}

function startPage() {
	const place = document.getElementById('page');
	try {
		const model = decodeMap(JSON.parse(document.getElementById('data').textContent));
		const map = new MapPage(model);
		map.mount(place);
		window.porthole = {map, model};
	} catch (error) {
		place.append(h('p', {class: 'ph-wrong', role: 'alert'}, error.message));
		window.porthole = {error};
	}
}

startPage();
