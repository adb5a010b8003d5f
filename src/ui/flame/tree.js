/*
 * Trees for drawing, made from samples: filtered, grouped, merged by function; and what is asked of
 * such a tree (top table, search, sandwich). Pure: no document here. Everything is typed arrays with
 * one row a node; a parent always has a smaller number than its children, so one loop up or down
 * the numbers does what would be recursion. A tree has one side, or two (before, after).
 */

class TreeBuilder {
	constructor(sides, room = 1024) {
		this.n = 1;
		this.sides = sides;
		this.parent = new Int32Array(room);
		this.fn = new Int32Array(room);
		this.line = new Int32Array(room);
		this.self = Array.from({length: sides}, () => new Float64Array(room));
		this.slots = new Int32Array(4 * room);
		this.fn[0] = -1;
	}

	grow() {
		const more = (old) => {
			const to = new old.constructor(2 * old.length);
			to.set(old);
			return to;
		};
		this.parent = more(this.parent);
		this.fn = more(this.fn);
		this.line = more(this.line);
		this.self = this.self.map(more);
		this.slots = new Int32Array(2 * this.slots.length);
		for (let i = 1; i < this.n; i++)
			this.slots[this.find(this.parent[i], this.fn[i])] = i;
	}

	/* The slot of (parent, fn), or the free one where it belongs. Half the slots are always free. */
	find(parent, fn) {
		const mask = this.slots.length - 1;
		let at = (Math.imul(parent, 0x9e3779b1) ^ Math.imul(fn + 1, 0x85ebca6b));
		at = (at ^ (at >>> 15)) & mask;
		for (;;) {
			const i = this.slots[at];
			if (i === 0 || (this.parent[i] === parent && this.fn[i] === fn))
				return at;
			at = (at + 1) & mask;
		}
	}

	/* @line 0: none; what is merged from several lines gets -1. */
	child(parent, fn, line) {
		let at = this.find(parent, fn), i = this.slots[at];
		if (i !== 0) {
			if (this.line[i] !== line)
				this.line[i] = -1;
			return i;
		}
		if (this.n === this.parent.length) {
			this.grow();
			at = this.find(parent, fn);
		}
		i = this.n++;
		this.slots[at] = i;
		this.parent[i] = parent;
		this.fn[i] = fn;
		this.line[i] = line;
		return i;
	}
}

/*
 * Widths: with one side the total; with two the larger of both, taken at each frame's own time and
 * summed upward, so that what vanished keeps its place and children always fit into their parent.
 */
function widthsOf(b, scale) {
	const width = new Float64Array(b.n), [before, after] = b.self;
	for (let i = 0; i < b.n; i++)
		width[i] = after ? Math.max(before[i] * scale[0], after[i] * scale[1]) : before[i];
	for (let i = b.n - 1; i > 0; i--)
		width[b.parent[i]] += width[i];
	return width;
}

function totalsOf(b, self) {
	const total = self.slice(0, b.n);
	for (let i = b.n - 1; i > 0; i--)
		total[b.parent[i]] += total[i];
	return total;
}

/* Sorts list[from] .. list[to - 1]; the few that most nodes have by insertion, without a call. */
function sortWidest(list, from, to, width, fn) {
	if (to - from > 24) {
		list.subarray(from, to).sort((a, b) => width[b] - width[a] || fn[a] - fn[b]);
		return;
	}
	for (let i = from + 1; i < to; i++) {
		const node = list[i], w = width[node];
		let at = i;
		for (; at > from; at--) {
			const other = list[at - 1];
			if (width[other] > w || (width[other] === w && fn[other] < fn[node]))
				break;
			list[at] = other;
		}
		list[at] = node;
	}
}

/* Children of i: list[first[i]] .. list[first[i + 1] - 1], widest first. */
function childrenOf(n, parent, fn, width) {
	const first = new Int32Array(n + 1), list = new Int32Array(n), next = new Int32Array(n);
	for (let i = 1; i < n; i++)
		first[parent[i] + 1]++;
	for (let i = 0; i < n; i++) {
		first[i + 1] += first[i];
		next[i] = first[i];
	}
	for (let i = 1; i < n; i++)
		list[next[parent[i]]++] = i;
	for (let i = 0; i < n; i++)
		sortWidest(list, first[i], first[i + 1], width, fn);
	return {first, list};
}

/* Level by level, each from left to right: order[level[d]] .. order[level[d + 1] - 1]. */
function placeNodes(t) {
	const start = new Float64Array(t.n), depth = new Int32Array(t.n), order = new Int32Array(t.n);
	let filled = 1;
	for (let i = 0; i < t.n; i++) {
		const at = order[i];
		let x = start[at];
		for (let c = t.first[at]; c < t.first[at + 1]; c++) {
			const child = t.list[c];
			start[child] = x;
			x += t.width[child];
			depth[child] = depth[at] + 1;
			order[filled++] = child;
		}
	}
	return {start, depth, order, level: levelsOf(depth, order)};
}

function levelsOf(depth, order) {
	const level = [0];
	for (let i = 1; i < order.length; i++)
		if (depth[order[i]] !== depth[order[i - 1]])
			level.push(i);
	level.push(order.length);
	return Int32Array.from(level);
}

/* @scale: by side, what values are multiplied with before they are compared. */
function finishTree(b, scale) {
	const t = {
		n: b.n, sides: b.sides, scale, parent: b.parent.subarray(0, b.n), fn: b.fn.subarray(0, b.n),
		line: b.line.subarray(0, b.n), self: b.self.map((s) => s.subarray(0, b.n)),
		total: b.self.map((s) => totalsOf(b, s)), width: widthsOf(b, scale), outer: null,
	};
	Object.assign(t, childrenOf(t.n, t.parent, t.fn, t.width));
	return Object.assign(t, placeNodes(t));
}

/* Which series pass: every label in @filter (key -> value) has that value. */
function passing(profile, filter) {
	return profile.series.map((labels) => {
		for (const [key, value] of filter)
			if (labels.get(key) !== value)
				return false;
		return true;
	});
}

/* Maps nodes of a profile to nodes of the tree; each (node, group) is walked once. */
function nodeResolver(b, nodes, collapse) {
	const memo = new Int32Array(nodes.n), stamp = new Int32Array(nodes.n).fill(-1), path = [];
	return (node, group, top) => {
		let n = 0, at = node;
		while (at !== 0 && stamp[at] !== group) {
			path[n++] = at;
			at = nodes.parent[at];
		}
		let to = at === 0 ? top : memo[at];
		while (n > 0) {
			at = path[--n];
			if (!collapse || b.fn[to] !== nodes.fn[at])
				to = b.child(to, nodes.fn[at], nodes.line[at]);
			memo[at] = to;
			stamp[at] = group;
		}
		return to;
	};
}

function addSamples(b, model, profile, side, query) {
	const value = profile.values[profile.types.findIndex((t) => t.type === query.type)];
	const pass = passing(profile, query.filter), groups = new Map(), members = [];
	const groupOf = profile.series.map((labels) => {
		const name = query.group ? labels.get(query.group) ?? '' : '';
		if (!groups.has(name)) {
			groups.set(name, groups.size);
			members.push([]);
		}
		return groups.get(name);
	});
	for (let i = 0; i < profile.node.length; i++)
		if (pass[profile.of[i]] && value[i] > 0)
			members[groupOf[profile.of[i]]].push(i);
	const resolve = nodeResolver(b, profile.nodes, query.collapse);
	for (const [name, group] of groups) {
		if (!members[group].length)
			continue;
		const top = query.group ? b.child(0, model.fns.add(KIND_GROUP, `${query.group}: ${name || '(none)'}`,
			'', ''), 0) : 0;
		for (const i of members[group]) {
			const node = resolve(profile.node[i], group, top);
			b.self[side][node] += value[i];
		}
	}
}

/*
 * @query: {type, filter: Map, group: key or '', collapse, sides: [0], [1] or [0, 1] (profiles),
 * normalised}. 200,000 nodes take some tens of milliseconds.
 */
function buildTree(model, query) {
	const nodes = Math.max(...query.sides.map((p) => model.profiles[p].nodes.n));
	const b = new TreeBuilder(query.sides.length, 2 ** Math.ceil(Math.log2(Math.min(Math.max(nodes, 64), 2 ** 21))));
	query.sides.forEach((p, side) => addSamples(b, model, model.profiles[p], side, query));
	const sums = b.self.map((s) => s.reduce((sum, v) => sum + v, 0));
	const most = Math.max(...sums);
	return finishTree(b, sums.map((sum) => (query.normalised && sum > 0 ? most / sum : 1)));
}

/* 1 for each node that has no ancestor of the same function: what may be added up. */
function outermost(t) {
	if (t.outer)
		return t.outer;
	const outer = new Uint8Array(t.n), within = new Map(), stack = [0];
	while (stack.length) {
		const at = stack.pop();
		if (at < 0) {
			within.set(t.fn[~at], within.get(t.fn[~at]) - 1);
			continue;
		}
		const seen = within.get(t.fn[at]) || 0;
		outer[at] = seen ? 0 : 1;
		within.set(t.fn[at], seen + 1);
		stack.push(~at);
		for (let c = t.first[at]; c < t.first[at + 1]; c++)
			stack.push(t.list[c]);
	}
	t.outer = outer;
	return outer;
}

/* -> [{fn, self: by side, total: by side}], one a function; recursion counts once in total. */
function topTable(t, fns) {
	const rows = new Map(), outer = outermost(t);
	for (let i = 1; i < t.n; i++) {
		if (fns.kind[t.fn[i]] === KIND_GROUP)
			continue;
		let row = rows.get(t.fn[i]);
		if (!row)
			rows.set(t.fn[i], row = {fn: t.fn[i], self: [0, 0], total: [0, 0]});
		for (let s = 0; s < t.sides; s++) {
			row.self[s] += t.self[s][i];
			row.total[s] += outer[i] ? t.total[s][i] : 0;
		}
	}
	return [...rows.values()];
}

/* What @hits (1 by function) cover, by side: in all, and below @zoom. Nested hits count once. */
function matchedTotal(t, hits, zoom) {
	const all = new Uint8Array(t.n), below = new Uint8Array(t.n), inside = new Uint8Array(t.n);
	const sums = {all: [0, 0], zoom: [0, 0]};
	for (let i = 0; i < t.n; i++) {
		const up = t.parent[i], hit = i > 0 && hits[t.fn[i]];
		inside[i] = i === zoom || (i > 0 && inside[up]) ? 1 : 0;
		all[i] = hit || (i > 0 && all[up]) ? 1 : 0;
		below[i] = inside[i] && (hit || (i > 0 && below[up])) ? 1 : 0;
		for (let s = 0; s < t.sides && hit; s++) {
			if (!all[up])
				sums.all[s] += t.total[s][i];
			if (inside[i] && (i === zoom || !below[up]))
				sums.zoom[s] += t.total[s][i];
		}
	}
	return sums;
}

function addCallers(b, t, node) {
	let to = b.child(0, t.fn[node], t.line[node]);
	for (let at = t.parent[node]; at > 0; at = t.parent[at])
		to = b.child(to, t.fn[at], t.line[at]);
	for (let s = 0; s < t.sides; s++)
		b.self[s][to] += t.total[s][node];
}

function addCallees(b, t, node) {
	const from = [node], to = [b.child(0, t.fn[node], t.line[node])];
	while (from.length) {
		const at = from.pop(), into = to.pop();
		for (let s = 0; s < t.sides; s++)
			b.self[s][into] += t.self[s][at];
		for (let c = t.first[at]; c < t.first[at + 1]; c++) {
			from.push(t.list[c]);
			to.push(b.child(into, t.fn[t.list[c]], t.line[t.list[c]]));
		}
	}
}

/* -> {callers, callees}: two trees whose first frame is @fn; both sum up to its total. */
function sandwich(t, fn) {
	const up = new TreeBuilder(t.sides), down = new TreeBuilder(t.sides), outer = outermost(t);
	for (let i = 1; i < t.n; i++) {
		if (t.fn[i] !== fn || !outer[i])
			continue;
		addCallers(up, t, i);
		addCallees(down, t, i);
	}
	return {callers: finishTree(up, t.scale), callees: finishTree(down, t.scale)};
}

/* From -1 (all of it gone) to 1 (new), by what the sides come to on one scale. */
function changeOf(t, node) {
	const a = t.total[0][node] * t.scale[0], b = t.total[1][node] * t.scale[1];
	return a === b ? 0 : (b - a) / Math.max(a, b);
}
