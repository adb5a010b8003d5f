/*
 * The answer of `porthole why` as a page: verdict, where the time went, findings with their
 * evidence, and the flame graph of all of the target's time. Names come from anywhere: they reach
 * the page as text nodes only.
 */

const STATE_COLOURS = {
	running: '#2f7d4f', runnable: '#e0a100', throttled: '#c2410c', disk: '#7a5cc0', network: '#2f6fd0',
	lock: '#c0307a', pagefault: '#8a6d3b', sleep: '#9aa4b2', wait: '#b7bfca', poll: '#cbd2db',
	stopped: '#6b7280', other: '#5b8a8a',
};

function stateBar(time) {
	const entries = Object.entries(time).filter(([, s]) => s > 0);
	const total = entries.reduce((sum, [, s]) => sum + s, 0) || 1;
	const bar = h('div', {class: 'why-time', role: 'img', 'aria-label': entries.map(([state, s]) =>
		`${state} ${formatShare(s, total)}`).join(', ')});
	const keys = h('ul', {class: 'why-keys'});
	for (const [state, s] of entries) {
		const part = h('div', {title: `${state}: ${s.toFixed(2)} s`});
		part.style.flex = String(s / total);
		part.style.background = STATE_COLOURS[state] || '#888';
		bar.append(part);
		const dot = h('i', {'aria-hidden': 'true'});
		dot.style.background = STATE_COLOURS[state] || '#888';
		keys.append(h('li', {}, dot, `${state} ${s.toFixed(2)} s (${formatShare(s, total)})`));
	}
	return [bar, keys];
}

/* One column a second, each state as high as its part of that second. */
function timeline(lanes) {
	const lane = h('div', {class: 'why-lane', role: 'img', 'aria-label': 'states by second'});
	lanes.forEach((second, i) => {
		const total = Object.values(second).reduce((sum, s) => sum + s, 0) || 1;
		const column = h('div', {title: `second ${i + 1}: ` + Object.entries(second)
			.filter(([, s]) => s > 0).map(([state, s]) => `${state} ${s.toFixed(2)} s`).join(', ')});
		for (const [state, s] of Object.entries(second)) {
			const part = h('div', {});
			part.style.height = `${100 * s / total}%`;
			part.style.background = STATE_COLOURS[state] || '#888';
			column.append(part);
		}
		lane.append(column);
	});
	return lane;
}

function findingOf(finding, i) {
	return h('article', {class: `why-finding ${finding.confidence}`},
		h('span', {class: 'why-tag'}, `${finding.cause}, ${finding.confidence}`),
		h('h3', {}, `${i + 1}. ${printable(finding.title)}`),
		h('ul', {}, ...finding.evidence.map((line) => h('li', {}, printable(line)))),
		finding.advice ? h('p', {class: 'why-advice'}, printable(finding.advice)) : null);
}

function answerOf(why) {
	return [
		h('h1', {}, printable(why.verdict)),
		h('p', {class: 'why-about'}, `${printable(why.target)}, watched for ${why.watched.toFixed(1)} s, ` +
			`${why.threads} threads`),
		h('h2', {}, 'Where its time went'), ...stateBar(why.time),
		...(why.timeline.length ? [timeline(why.timeline)] : []),
		h('h2', {}, 'Findings'), ...why.findings.map(findingOf),
		...((why.before || []).length ? [h('h2', {}, 'Before, as the agent kept it'),
			h('ul', {}, ...why.before.map((line) => h('li', {}, printable(line))))] : []),
		...(why.unseen.length ? [h('h2', {}, 'Not seen'),
			h('ul', {}, ...why.unseen.map((line) => h('li', {}, printable(line))))] : []),
	];
}

function startPage() {
	const place = document.getElementById('page');
	try {
		const why = JSON.parse(document.getElementById('why').textContent);
		document.title = `why ${why.target} – porthole`;
		place.append(...answerOf(why));
		const model = decodeModel(JSON.parse(document.getElementById('data').textContent));
		const flame = new Flame(model), graph = h('div', {class: 'why-graph ph-mount'});
		place.append(h('h2', {}, 'Its stacks: on the CPU and waiting'), graph);
		flame.mount(graph);
		window.porthole = {why, flame, model};
	} catch (error) {
		place.append(h('p', {class: 'ph-wrong', role: 'alert'}, error.message));
		window.porthole = {error};
	}
}

startPage();
