/*
 * Where everything is: clients left, servers right. Ranks by the longest way from a client (edges that close a
 * circle do not count), the order in a rank by the middle of the neighbours, long ranks in several columns.
 */

const NODE_W = 190, NODE_H = 44, GAP_X = 230, GAP_Y = 26, RANK_ROWS = 26, SUB_GAP = 40;
const ASPECT = 1.9, STRETCH_MAX = 2.4;

/* Edges client to server without those that lead back; by depth-first search, without recursion. */
function forwardEdges(nodes) {
	const state = new Map(), forward = new Map(nodes.map((n) => [n, []]));
	const starts = [...nodes].sort((a, b) => a.in.length - b.in.length || b.out.length - a.out.length);
	for (const start of starts) {
		if (state.has(start))
			continue;
		const stack = [[start, 0]];
		state.set(start, 'open');
		while (stack.length) {
			const top = stack[stack.length - 1], next = top[0].out[top[1]++];
			if (!next) {
				state.set(top[0], 'done');
				stack.pop();
			} else if (forward.has(next.server) && state.get(next.server) !== 'open') {
				forward.get(top[0]).push(next.server);
				if (!state.has(next.server)) {
					state.set(next.server, 'open');
					stack.push([next.server, 0]);
				}
			}
		}
	}
	return forward;
}

function ranksOf(nodes) {
	const forward = forwardEdges(nodes), waiting = new Map(nodes.map((n) => [n, 0])), rank = new Map();
	for (const list of forward.values())
		for (const to of list)
			waiting.set(to, waiting.get(to) + 1);
	const ready = nodes.filter((n) => !waiting.get(n));
	for (const n of ready)
		rank.set(n, 0);
	for (let i = 0; i < ready.length; i++)
		for (const to of forward.get(ready[i])) {
			rank.set(to, Math.max(rank.get(to) || 0, rank.get(ready[i]) + 1));
			waiting.set(to, waiting.get(to) - 1);
			if (!waiting.get(to))
				ready.push(to);
		}
	const ranks = [];
	for (const n of ready)
		(ranks[rank.get(n)] ||= []).push(n);
	return ranks;
}

function sortRank(list, place, side) {
	const middle = new Map(list.map((n, i) => {
		const near = n[side].map((e) => place.get(side === 'in' ? e.client : e.server)).filter((p) => p !== undefined);
		return [n, near.length ? near.reduce((a, b) => a + b, 0) / near.length : place.get(n) ?? i];
	}));
	list.sort((a, b) => middle.get(a) - middle.get(b) || (a.full < b.full ? -1 : 1));
}

function orderRanks(ranks) {
	const place = new Map();
	const note = (list) => list.forEach((n, i) => place.set(n, (i + 0.5) / list.length));
	ranks.forEach((list) => list.sort((a, b) => b.out.length + b.in.length - a.out.length - a.in.length) && note(list));
	for (let round = 0; round < 6; round++) {
		for (let r = 1; r < ranks.length; r++) {
			sortRank(ranks[r], place, 'in');
			note(ranks[r]);
		}
		for (let r = ranks.length - 2; r >= 0; r--) {
			sortRank(ranks[r], place, 'out');
			note(ranks[r]);
		}
	}
}

/* Map node -> {x, y} of its middle. */
function layoutMap(shown) {
	const only = new Set(shown.edges), nodes = shown.nodes.map((n) => n);
	const view = new Map(nodes.map((n) => [n, {node: n, full: n.full, in: [], out: []}]));
	for (const e of only) {
		const a = view.get(e.client), b = view.get(e.server);
		if (a === b)
			continue;
		a.out.push({client: a, server: b});
		b.in.push({client: a, server: b});
	}
	const ranks = ranksOf([...view.values()]), at = new Map();
	orderRanks(ranks);
	let x = 0;
	for (const list of ranks) {
		const columns = Math.ceil(list.length / RANK_ROWS), rows = Math.ceil(list.length / columns);
		list.forEach((v, i) => {
			const column = i % columns, row = Math.floor(i / columns);
			at.set(v.node, {x: x + column * (NODE_W + SUB_GAP), y: (row - (rows - 1) / 2) * (NODE_H + GAP_Y) +
				(columns > 1 ? (column / columns) * (NODE_H + GAP_Y) : 0)});
		});
		x += (columns - 1) * (NODE_W + SUB_GAP) + NODE_W + GAP_X;
	}
	stretch(at);
	return at;
}

/* What is wider than a screen gets more room between its rows. */
function stretch(at) {
	const ys = [...at.values()].map((p) => p.y), xs = [...at.values()].map((p) => p.x);
	const high = Math.max(...ys) - Math.min(...ys) + NODE_H, wide = Math.max(...xs) - Math.min(...xs) + NODE_W;
	const by = Math.min(STRETCH_MAX, Math.max(1, wide / ASPECT / high));
	for (const p of at.values())
		p.y *= by;
}

/* A curve from end to end: {path, x, y} with the place of its label. @nth of @n edges between the same two. */
function curveOf(from, to, nth, n) {
	const spread = n > 1 ? Math.min(16, (NODE_H - 8) / (n - 1)) : 0, shift = (nth - (n - 1) / 2) * spread;
	if (from === to) {
		const top = from.y - NODE_H / 2, high = 34 + 14 * nth;
		return {path: `M${from.x + 30},${top} C${from.x + 64},${top - high} ${from.x - 64},${top - high} ${from.x - 30},${top}`,
			x: from.x, y: top - high * 0.75 - 5};
	}
	const back = to.x < from.x - 1, same = Math.abs(to.x - from.x) < NODE_W;
	const x1 = from.x + (back && !same ? -NODE_W / 2 : NODE_W / 2);
	const x2 = to.x + (back || same ? NODE_W / 2 : -NODE_W / 2);
	const y1 = from.y + shift, y2 = to.y + shift;
	const bend = same ? 70 + 12 * nth : Math.max(46, Math.abs(x2 - x1) * 0.45) * (back ? -1 : 1);
	const cx1 = x1 + bend, cx2 = same ? x2 + bend : x2 - bend;
	/* Labels of several: above, below, above, ... */
	const off = n === 1 ? -5 : (nth - (n - 1) / 2) * Math.max(0, 15 - spread) + (shift < 0 ? -5 : 12);
	return {path: `M${x1},${y1} C${cx1},${y1} ${cx2},${y2} ${x2},${y2}`,
		x: (x1 + 3 * cx1 + 3 * cx2 + x2) / 8, y: (y1 + y2) / 2 + off};
}
