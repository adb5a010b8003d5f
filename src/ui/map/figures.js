/* The panel at the side: an edge's figures, a node's edges, or what the map is. */

const ns = (v) => v === undefined ? '–' : formatValue(v, 'nanoseconds');
const size = (v) => formatValue(v, 'bytes');
const rate = (v) => v >= 100 ? COUNT.format(v) : v >= 10 ? v.toFixed(1) : v.toFixed(2);

/* Beside an edge: "http 12.3/s · 1.20 ms". */
function edgeLabel(e) {
	const parts = [e.protocol];
	if (e.requests)
		parts[0] += ` ${rate(e.per_second)}/s`;
	if (e.p50_ns !== undefined)
		parts.push(ns(e.p50_ns));
	if (e.bad && e.requests)
		parts.push(`${formatShare(e.failed + e.unanswered, e.requests)} failed`);
	if (e.refused)
		parts.push(`${COUNT.format(e.refused)} refused`);
	return parts.join(' · ');
}

const edgeTitle = (e) => `${e.client.full} → ${e.server.full}`;

function tableOf(rows) {
	return h('table', {}, h('tbody', {}, ...rows.filter(Boolean).map(([key, value, wrong]) =>
		h('tr', {}, h('td', {}, key), h('td', {class: wrong ? 'map-wrong' : null}, value)))));
}

function latencyRows(name, l) {
	return l ? [[`${name}: p50`, ns(l.p50)], [`${name}: p99`, ns(l.p99)], [`${name}: longest`, ns(l.max)]] : [];
}

function edgeFigures(e) {
	const requests = e.requests ? [h('h3', {}, 'Requests'), tableOf([
		['a second', rate(e.per_second)], ['in all', COUNT.format(e.requests)],
		['failed', `${COUNT.format(e.failed)} (${formatShare(e.failed, e.requests)})`, e.failed],
		['without answer', COUNT.format(e.unanswered), e.unanswered],
		['seen at both ends', COUNT.format(e.seen_at_both_ends)],
		['bytes asked', size(e.request_bytes)], ['bytes answered', size(e.response_bytes)]])] : [];
	const latency = e.client_ns || e.server_ns ? [h('h3', {}, 'Latency'),
		tableOf([...latencyRows('client', e.client_ns), ...latencyRows('server', e.server_ns)])] : [];
	return [h('h2', {}, edgeTitle(e)), h('p', {}, e.port ? `${e.protocol}, port ${e.port}` : e.protocol), ...requests,
		...latency, h('h3', {}, 'Connections'), tableOf([
			['opened', COUNT.format(e.opened)], ['closed', COUNT.format(e.closed)],
			['never came to be', COUNT.format(e.refused), e.refused],
			['bytes sent, of closed ones', size(e.sent_bytes)], ['bytes received', size(e.received_bytes)],
			['segments retransmitted', COUNT.format(e.retransmits), e.retransmits]])];
}

function edgeList(title, edges, other, choose) {
	return edges.length ? [h('h3', {}, title), h('ul', {}, ...edges.slice(0, 200).map((e) =>
		h('li', {}, h('button', {type: 'button', onclick: () => choose({edge: e})},
			`${e[other].full} · ${edgeLabel(e)}`))))] : [];
}

function nodeFigures(n, choose) {
	const busiest = (list) => [...list].sort((a, b) => b.requests - a.requests);
	return [h('h2', {}, n.full), h('p', {}, n.ns ? `${n.kind} in ${printable(n.ns)}` : n.kind),
		...edgeList('Asks', busiest(n.out), 'server', choose), ...edgeList('Is asked by', busiest(n.in), 'client', choose)];
}
