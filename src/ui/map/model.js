/*
 * The data, checked: nodes with a label and their edges, edges with ends. What out/map/json.c writes; a page
 * whose data is damaged says so instead of guessing.
 */

function need(ok, what) {
	if (!ok)
		throw new Error(`the data of this page is damaged: ${what}`);
}

function decodeMap(data) {
	need(data && Array.isArray(data.nodes) && Array.isArray(data.edges), 'no nodes or edges');
	const nodes = data.nodes.map((n, i) => {
		need(n && n.id === i && typeof n.name === 'string' && typeof n.kind === 'string', `node ${i}`);
		const ns = typeof n.ns === 'string' ? n.ns : '';
		return {id: i, kind: n.kind, ns, name: n.name, shown: printable(n.name),
			full: printable(ns ? `${ns}/${n.name}` : n.name), out: [], in: []};
	});
	const edges = data.edges.map((e, i) => {
		need(nodes[e.client] && nodes[e.server] && typeof e.protocol === 'string', `edge ${i}`);
		const edge = {...e, id: i, client: nodes[e.client], server: nodes[e.server], protocol: printable(e.protocol)};
		edge.bad = e.requests ? (e.failed + e.unanswered) / e.requests : e.refused ? 1 : 0;
		edge.client.out.push(edge);
		edge.server.in.push(edge);
		return edge;
	});
	return {nodes, edges, seconds: data.seconds, lost: data.lost, folded: data.folded, time: data.time_ms};
}

/* What is left of the map: {words, ns, protocol, bad}. Nodes without an edge left are gone with it. */
function filterMap(model, f) {
	const edges = model.edges.filter((e) => (!f.protocol || e.protocol === f.protocol) && (!f.bad || e.bad > 0) &&
		(!f.ns || e.client.ns === f.ns || e.server.ns === f.ns));
	const nodes = new Set();
	for (const e of edges)
		nodes.add(e.client).add(e.server);
	return {nodes: model.nodes.filter((n) => nodes.has(n)), edges};
}

function matches(node, words) {
	return !words || `${node.full} ${node.kind}`.toLowerCase().includes(words.toLowerCase());
}
