/*
 * A flame graph on a canvas: one tree, drawn from the left edge of the zoomed frame to its right one.
 * Only rows in sight are drawn, and in a row only what is wider than a pixel, so the cost depends
 * on the window and not on the profile. Those of one pixel are written into an image that lies below
 * the others: a call to the canvas for each would take half a second. It knows nothing of where trees come from: the owner sets
 * the tree and listens.
 *
 * hooks: hover(node, others, event), leave(), open(node), menu(node, x, y), focus(node).
 */

const ROW = 20, TEXT_PAD = 5, TEXT_LEAST = 22, NEAR = 2, NEAR_MOST = 4000;

/* The first half of a character that takes two places. */
function isHighHalf(text, i) {
	return (text.charCodeAt(i) & 0xfc00) === 0xd800;
}

class FlameView {
	constructor(fns, label, hooks) {
		this.fns = fns;
		this.hooks = hooks;
		this.tree = null;
		this.up = false;
		this.rootless = 0; /* 1: the row of the root is left out */
		this.zoom = 0;
		this.focus = 0;
		this.hover = -1;
		this.hits = null;
		this.queued = 0;
		this.canvas = h('canvas', {
			class: 'ph-canvas', tabindex: 0, role: 'application', 'aria-label': label,
			'aria-roledescription': 'flame graph',
		});
		this.space = h('div', {class: 'ph-space'}, this.canvas);
		this.element = h('div', {class: 'ph-scroll'}, this.space);
		this.pen = this.canvas.getContext('2d');
		this.listen();
	}

	listen() {
		const on = (name, f) => this.canvas.addEventListener(name, f);
		on('mousemove', (e) => this.pointAt(e));
		on('mouseleave', () => this.unpoint());
		on('click', (e) => this.press(e, (node) => this.hooks.open(node)));
		on('contextmenu', (e) => {
			e.preventDefault();
			this.press(e, (node) => this.hooks.menu(node, e.clientX, e.clientY));
		});
		on('keydown', (e) => this.key(e));
		on('focus', () => this.draw());
		on('blur', () => this.draw());
		this.element.addEventListener('scroll', () => this.draw());
		this.packedFor = null;
		this.observer = new ResizeObserver(() => this.resize());
		this.observer.observe(this.element);
	}

	/* The same zoom, by path, in a new tree would be a guess: a new tree starts at its root. */
	setTree(tree, palette) {
		this.tree = tree;
		this.palette = palette;
		this.zoom = 0;
		this.focus = this.rootless ? Math.min(1, tree.n - 1) : 0;
		this.hover = -1;
		this.resize();
		this.toRoot();
	}

	setPalette(palette, style) {
		this.palette = palette;
		this.style = style;
		this.draw();
	}

	setUp(up) {
		this.up = up;
		this.resize();
		this.toRoot();
	}

	setHits(hits) {
		this.hits = hits;
		this.draw();
	}

	zoomTo(node) {
		this.zoom = this.focus = node;
		this.resize();
		this.reveal(node);
	}

	toRoot() {
		this.element.scrollTop = this.up ? this.element.scrollHeight : 0;
	}

	/* --- geometry: x in the tree's own unit, y in pixels of the space --- */

	left() {
		return this.tree.start[this.zoom];
	}

	scale() {
		const width = this.tree.width[this.zoom];
		return width > 0 ? this.cssWidth / width : 0;
	}

	rowY(depth) {
		const row = depth - this.rootless;
		return this.up ? this.contentHeight - (row + 1) * ROW : row * ROW;
	}

	depthAt(y) {
		return Math.floor((this.up ? this.contentHeight - 1 - y : y) / ROW) + this.rootless;
	}

	/* Position in t.order of the first node of the level that ends right of @x. */
	firstRightOf(depth, x, from = this.tree.level[depth]) {
		const t = this.tree;
		let low = from, high = t.level[depth + 1];
		while (low < high) {
			const mid = (low + high) >> 1, node = t.order[mid];
			if (t.start[node] + t.width[node] > x)
				high = mid;
			else
				low = mid + 1;
		}
		return low;
	}

	/* Rows that have something in sight at this zoom. */
	rows() {
		const t = this.tree, x = this.left(), end = x + t.width[this.zoom], levels = t.level.length - 1;
		let d = t.depth[this.zoom];
		for (; d + 1 < levels; d++) {
			const i = this.firstRightOf(d + 1, x);
			if (i === t.level[d + 2] || t.start[t.order[i]] >= end)
				break;
		}
		return d + 1 - this.rootless;
	}

	resize() {
		if (!this.tree)
			return;
		const width = this.space.clientWidth, height = this.element.clientHeight;
		const ratio = window.devicePixelRatio || 1;
		this.cssWidth = width;
		this.contentHeight = Math.max(this.rows() * ROW + 1, height);
		this.space.style.height = `${this.contentHeight}px`;
		const w = Math.round(width * ratio), hh = Math.round(height * ratio);
		if (this.canvas.width !== w || this.canvas.height !== hh) {
			this.canvas.width = w;
			this.canvas.height = hh;
			this.canvas.style.width = `${width}px`;
			this.canvas.style.height = `${height}px`;
		}
		this.draw();
	}

	/* --- drawing --- */

	draw() {
		if (!this.queued)
			this.queued = requestAnimationFrame(() => this.drawNow());
	}

	drawNow() {
		this.queued = 0;
		if (!this.tree || !this.style || !this.canvas.width)
			return;
		const ratio = window.devicePixelRatio || 1, pen = this.pen;
		const top = this.element.scrollTop, height = this.canvas.height / ratio;
		const wide = this.drawNarrow(top, height, ratio);
		pen.setTransform(ratio, 0, 0, ratio, 0, 0);
		pen.font = this.style.font;
		pen.textBaseline = 'middle';
		for (const node of wide)
			this.drawFrame(node, this.rowY(this.tree.depth[node]) - top);
		this.outline(this.hover, this.style.hover, 1, top);
		if (document.activeElement === this.canvas)
			this.outline(this.focus, this.style.focus, 2, top);
	}

	/* Background and narrow frames. -> the wide ones in sight */
	drawNarrow(top, height, ratio) {
		const {width: w, height: hh} = this.canvas, wide = [];
		if (!this.image || this.image.width !== w || this.image.height !== hh) {
			this.image = this.pen.createImageData(w, hh);
			this.pixels = new Uint32Array(this.image.data.buffer);
		}
		this.pixels.fill(this.packed(this.style.background, 1));
		const a = this.depthAt(top), b = this.depthAt(top + height);
		const last = Math.min(Math.max(a, b), this.tree.level.length - 2);
		for (let d = Math.max(this.rootless, Math.min(a, b)); d <= last; d++) {
			const y = this.rowY(d) - top;
			this.scanRow(d, ratio, Math.max(0, Math.round((y + 1) * ratio)),
				Math.min(hh, Math.round((y + ROW) * ratio)), wide);
		}
		this.pen.putImageData(this.image, 0, 0);
		return wide;
	}

	/* A CSS colour over the background, as a pixel. */
	packed(colour, alpha) {
		if (this.packedFor !== this.style) {
			this.packedFor = this.style;
			this.packs = new Map();
		}
		let p = this.packs.get(colour);
		if (p === undefined) {
			const rgb = (c) => {
				this.pen.fillStyle = c;
				return parseInt(this.pen.fillStyle.slice(1, 7), 16);
			};
			const over = rgb(colour), under = rgb(this.style.background);
			const mix = (shift) => Math.round(alpha * ((over >> shift) & 255) + (1 - alpha) * ((under >> shift) & 255));
			p = (0xff000000 | mix(0) << 16 | mix(8) << 8 | mix(16)) >>> 0;
			this.packs.set(colour, p);
		}
		return p;
	}

	/* Rows y0 to y1 - 1 of the image. */
	scanRow(depth, ratio, y0, y1, wide) {
		const t = this.tree, x0 = this.left(), k = this.scale(), end = t.level[depth + 1];
		const x1 = x0 + t.width[this.zoom];
		for (let i = this.firstRightOf(depth, x0); i < end;) {
			const node = t.order[i], px = (t.start[node] - x0) * k, pw = t.width[node] * k;
			if (t.start[node] >= x1)
				break;
			if (pw >= 1.5) {
				wide.push(node);
				i++;
				continue;
			}
			const column = Math.floor(px);
			const next = Math.max(i + 1, this.firstRightOf(depth, x0 + (column + 1) / k, i));
			this.column(column * ratio, (column + 1) * ratio, y0, y1,
				this.packed(this.fillOf(this.hits ? this.hitAmong(i, next) : node), 0.75));
			i = next;
		}
	}

	column(from, to, y0, y1, pixel) {
		const w = this.canvas.width, x0 = Math.max(0, Math.round(from)), x1 = Math.min(w, Math.round(to));
		for (let y = y0; y < y1; y++)
			for (let x = x0; x < x1; x++)
				this.pixels[y * w + x] = pixel;
	}

	/* One pixel stands for all that begin in it: of those the first that the search found. */
	hitAmong(from, to) {
		const t = this.tree;
		for (let i = from; i < to; i++)
			if (this.hits[t.fn[t.order[i]]])
				return t.order[i];
		return t.order[from];
	}

	fillOf(node) {
		if (!this.hits || node === 0)
			return this.palette(node);
		return this.hits[this.tree.fn[node]] ? this.style.hit : this.style.miss;
	}

	drawFrame(node, y) {
		const pen = this.pen, t = this.tree, k = this.scale(), px = (t.start[node] - this.left()) * k;
		const from = Math.max(0, px), to = Math.min(this.cssWidth, px + t.width[node] * k);
		const hit = this.hits && node > 0 && this.hits[t.fn[node]];
		const faded = t.depth[node] < t.depth[this.zoom];
		pen.globalAlpha = faded ? 0.55 : 1;
		pen.fillStyle = this.fillOf(node);
		pen.fillRect(from, y + 1, Math.max(1, to - from - 1), ROW - 1);
		if (t.sides === 2 && t.total[1][node] === 0 && node > 0)
			this.hatch(from, to, y);
		if (to - from >= TEXT_LEAST) {
			pen.fillStyle = hit ? this.style.hitText : this.hits && node ? this.style.missText : this.style.text;
			pen.fillText(this.fit(this.fns.nameOf(t.fn[node]), to - from - 2 * TEXT_PAD),
				from + TEXT_PAD, y + ROW / 2 + 1);
		}
		pen.globalAlpha = 1;
	}

	/* What vanished is striped, so that it is not known by its colour alone. */
	hatch(from, to, y) {
		const pen = this.pen;
		pen.save();
		pen.beginPath();
		pen.rect(from, y + 1, to - from - 1, ROW - 1);
		pen.clip();
		pen.strokeStyle = this.style.hatch;
		pen.lineWidth = 1.5;
		pen.beginPath();
		for (let x = from - ROW; x < to; x += 7) {
			pen.moveTo(x, y + ROW);
			pen.lineTo(x + ROW, y);
		}
		pen.stroke();
		pen.restore();
	}

	outline(node, colour, width, top) {
		if (node < 0 || node >= this.tree.n || this.tree.depth[node] < this.rootless)
			return;
		const t = this.tree, k = this.scale();
		const from = Math.max(0, (t.start[node] - this.left()) * k);
		const to = Math.min(this.cssWidth, (t.start[node] + t.width[node] - this.left()) * k);
		if (to < 0 || from > this.cssWidth)
			return;
		this.pen.strokeStyle = colour;
		this.pen.lineWidth = width;
		const inset = width / 2;
		this.pen.strokeRect(from + inset, this.rowY(t.depth[node]) - top + 1 + inset,
			Math.max(2, to - from - 1 - width), ROW - 1 - width);
	}

	/* @text, cut to @room pixels with an ellipsis. Widths are asked once a character. */
	fit(text, room) {
		const dots = this.charWidth('…');
		let width = 0, cut = 0;
		for (let i = 0; i < text.length; i++) {
			width += this.charWidth(text[i]);
			if (width > room)
				return cut > 0 ? text.slice(0, cut) + '…' : '';
			if (width + dots <= room && !isHighHalf(text, i))
				cut = i + 1;
		}
		return text;
	}

	charWidth(c) {
		if (this.widthsFont !== this.style.font) {
			this.widths = new Map();
			this.widthsFont = this.style.font;
		}
		let w = this.widths.get(c);
		if (w === undefined)
			this.widths.set(c, w = this.pen.measureText(c).width);
		return w;
	}

	/* --- pointing --- */

	/*
	 * The frame at a point of the window; where frames are narrower than the pointer is exact, the
	 * widest nearby. -> {node: -1 or number, others: how many more share that place}
	 */
	hit(clientX, clientY) {
		const box = this.canvas.getBoundingClientRect(), t = this.tree;
		const x = clientX - box.left, depth = this.depthAt(clientY - box.top + this.element.scrollTop);
		if (depth < this.rootless || depth >= t.level.length - 1 || !this.scale())
			return {node: -1, others: 0};
		const k = this.scale(), at = this.left() + x / k, right = at + NEAR / k;
		let best = -1, others = 0;
		let i = this.firstRightOf(depth, Math.max(this.left(), at - NEAR / k));
		for (let n = 0; i < t.level[depth + 1] && n < NEAR_MOST; i++, n++) {
			const node = t.order[i], start = t.start[node], width = t.width[node];
			if (start > right || start >= this.left() + t.width[this.zoom])
				break;
			if (start <= at && at < start + width && width * k >= 2 * NEAR)
				return {node, others: 0};
			if (width * k < 2 * NEAR)
				others++;
			if (best < 0 || width > t.width[best])
				best = node;
		}
		return {node: best, others: Math.max(0, others - 1)};
	}

	pointAt(event) {
		const {node, others} = this.hit(event.clientX, event.clientY);
		if (node !== this.hover)
			this.draw();
		this.hover = node;
		this.canvas.style.cursor = node < 0 ? 'default' : 'pointer';
		if (node < 0)
			this.hooks.leave();
		else
			this.hooks.hover(node, others, event);
	}

	unpoint() {
		this.hover = -1;
		this.draw();
		this.hooks.leave();
	}

	press(event, then) {
		const {node} = this.hit(event.clientX, event.clientY);
		this.canvas.focus({preventScroll: true});
		if (node >= 0) {
			this.focus = node;
			then(node);
		}
	}

	/* --- keys --- */

	child() {
		const t = this.tree, c = t.first[this.focus];
		return c < t.first[this.focus + 1] ? t.list[c] : -1;
	}

	beside(step) {
		const t = this.tree, depth = t.depth[this.focus];
		let i = t.level[depth];
		while (i < t.level[depth + 1] && t.order[i] !== this.focus)
			i++;
		i += step;
		if (i < t.level[depth] || i >= t.level[depth + 1])
			return -1;
		const x = t.start[t.order[i]], from = this.left();
		return x >= from && x < from + t.width[this.zoom] ? t.order[i] : -1;
	}

	key(event) {
		if (event.ctrlKey || event.metaKey || event.altKey || !this.tree)
			return;
		const parent = () => (this.focus > 0 ? this.tree.parent[this.focus] : -1);
		const moves = {
			ArrowLeft: () => this.beside(-1), ArrowRight: () => this.beside(1),
			ArrowUp: () => (this.up ? this.child() : parent()),
			ArrowDown: () => (this.up ? parent() : this.child()),
			Home: () => this.rootless,
		};
		if (event.key in moves) {
			event.preventDefault();
			this.focusOn(moves[event.key]());
		} else if (event.key === 'Enter' || event.key === ' ') {
			event.preventDefault();
			this.hooks.open(this.focus);
		} else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
			event.preventDefault();
			const at = this.pointOf(this.focus);
			this.hooks.menu(this.focus, at.x, at.y);
		}
	}

	focusOn(node) {
		if (node < 0 || this.tree.depth[node] < this.rootless)
			return;
		this.focus = node;
		this.reveal(node);
		this.draw();
		this.hooks.focus(node);
	}

	reveal(node) {
		const y = this.rowY(this.tree.depth[node]), s = this.element;
		if (y < s.scrollTop)
			s.scrollTop = Math.max(0, y - 2 * ROW);
		else if (y + ROW > s.scrollTop + s.clientHeight)
			s.scrollTop = y + 3 * ROW - s.clientHeight;
	}

	/* Where in the window a frame is: its left part, in the middle of its row. */
	pointOf(node) {
		const box = this.canvas.getBoundingClientRect(), t = this.tree, k = this.scale();
		const from = Math.max(0, (t.start[node] - this.left()) * k);
		const to = Math.min(this.cssWidth, (t.start[node] + t.width[node] - this.left()) * k);
		return {
			x: box.left + from + Math.min(40, (to - from) / 2),
			y: box.top + this.rowY(t.depth[node]) - this.element.scrollTop + ROW / 2,
		};
	}
}
