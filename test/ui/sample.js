/*
 * Profiles for the tests of the page, in the format of src/out/html/html.h: a small one whose sums
 * can be checked by hand, one of any size, and one with names that try to break out.
 */
'use strict';

const KINDS = ['kernel', 'native', 'jit', 'interp', 'mark'];

class Maker {
	constructor(title, types) {
		this.strings = ['']; this.ids = new Map([['', 0]]);
		this.out = {
			title, time_ms: 1790000000000, duration_ns: 10e9, period_ns: 10101010, folded: 0, types, kinds: KINDS,
			strings: this.strings, series: [],
			frames: {kind: [], function: [], module: [], file: [], address: [], line: [], inlined: []},
			nodes: {up: [], frame: []}, samples: {node: [], series: [], values: types.map(() => [])},
		};
		this.frameIds = new Map(); this.children = new Map();
	}

	string(s) {
		if (!this.ids.has(s))
			this.ids.set(s, this.strings.push(s) - 1);
		return this.ids.get(s);
	}

	frame([kind, name, module = '', file = '', line = 0, inlined = 0, address = '']) {
		const key = [kind, name, module, file, line, inlined, address].join('\u0001');
		if (!this.frameIds.has(key)) {
			const f = this.out.frames;
			f.kind.push(KINDS.indexOf(kind)); f.function.push(this.string(name)); f.module.push(this.string(module));
			f.file.push(this.string(file)); f.line.push(line); f.inlined.push(inlined);
			this.frameIds.set(key, f.address.push(this.string(address)) - 1);
		}
		return this.frameIds.get(key);
	}

	child(parent, frame) {
		const key = parent * 2 ** 26 + frame;
		if (!this.children.has(key)) {
			const id = this.out.nodes.frame.push(frame);
			this.out.nodes.up.push(id - parent);
			this.children.set(key, id);
		}
		return this.children.get(key);
	}

	series(labels) {
		return this.out.series.push(Object.entries(labels).flatMap(([k, v]) => [this.string(k), this.string(v)])) - 1;
	}

	/* @stack: root first. */
	add(series, stack, ...values) {
		let at = 0;
		for (const f of stack)
			at = this.child(at, this.frame(f));
		this.addAt(series, at, ...values);
	}

	addAt(series, node, ...values) {
		const s = this.out.samples;
		s.node.push(node); s.series.push(series);
		values.forEach((v, i) => s.values[i].push(v));
	}
}

const app = (name, line) => ['native', name, '/usr/bin/cart', 'cart.c', line];
const main = app('main', 10), serve = app('serve', 20), parse = app('parse', 30);
const visit = app('visit', 40), memchr = ['native', 'memchr', '/usr/lib/libc.so.6'];
const inl = ['native', 'hash', '/usr/bin/cart', 'hash.h', 5, 1];
const read = ['kernel', 'vfs_read', '[kernel]'], py = ['interp', 'handle', 'python3.11', '/app/views.py', 88];
const jit = ['jit', 'LazyCompile:*render', '[jit]'], mark = ['mark', '[stack cut: too deep]'];
const bare = ['native', '', '/opt/vendor/lib.so', '', 0, 0, '1f40'];

/* Total 1000 samples; see flame.mjs for what they come to. @change: the second of a pair. */
function known(change = false) {
	const m = new Maker(change ? 'after' : 'before', [['samples', 'count'], ['cpu', 'nanoseconds']]);
	const a = m.series({pod: 'shop/cart', thread: 'worker', state: 'running'});
	const b = m.series({pod: 'shop/pay', thread: 'main', state: 'disk'});
	const add = (s, stack, n) => m.add(s, stack, n, n * 10101010);
	add(a, [main, serve, parse], 100);
	add(a, [main, serve, parse, memchr], change ? 400 : 200);
	add(a, [main, serve, parse, inl], 50);
	add(a, [main, visit, visit, visit, memchr], 150);
	add(a, [main, visit], 50);
	add(b, [main, serve, read], 200);
	add(b, [py, jit], change ? 0 : 120);
	add(b, [py, bare], 80);
	add(b, [mark], 50);
	if (change)
		add(b, [main, app('fresh', 1)], 100);
	return m.out;
}

/* @n nodes, stacks of 20 to 60 frames, some wide and very many narrow. Same numbers every time. */
function large(n) {
	let state = 12345;
	const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
	const m = new Maker(`${n} nodes`, [['cpu', 'nanoseconds']]);
	const series = Array.from({length: 40}, (_, i) => m.series({pod: `shop/p${i % 8}`, thread: `t${i}`}));
	const frames = Array.from({length: 6000}, (_, i) => m.frame([KINDS[Math.floor(random() ** 2 * 4)],
		`${['parse', 'write', 'flush', 'poll', 'encode', 'lookup'][i % 6]}_${['request', 'buffer', 'table', 'entry',
			'page'][i % 5]}_${i}`, `/usr/lib/lib${i % 37}.so`, `src/f${i % 400}.c`, i % 900]));
	while (m.out.nodes.frame.length < n) {
		let at = 0;
		const depth = 20 + Math.floor(random() * 40);
		for (let d = 0; d < depth && m.out.nodes.frame.length < n; d++)
			at = m.child(at, frames[Math.floor(random() ** (d < 12 ? 9 : 2) * 5900) + d]);
		m.addAt(series[Math.floor(random() * 40)], at, 1e6 * (1 + Math.floor(random() * 9)));
	}
	return m.out;
}

const HOSTILE = [
	'</script><script>window.pwned=1;alert(1)</script>', '<img src=x onerror="window.pwned=1;alert(2)">',
	'<!--<script>', ']]><svg onload=alert(3)>', '"\'`${alert(4)}', 'nul\u0000bel\u0007esc\u001b[31m', 'a\u202eb\u2066c',
	'line\u2028separator\u2029', '__proto__', 'constructor', 'toString', '\ud800lone', 'x'.repeat(70000), ' ',
	'javascript:alert(5)', 'fran\u00e7ais \u65e5\u672c\u8a9e \ud83d\udd25', 'operator<<(std::ostream&, char const*)',
];

function hostile() {
	const m = new Maker(HOSTILE[0], [['samples', 'count']]);
	HOSTILE.forEach((name, i) => {
		const s = m.series({[HOSTILE[i % 3]]: name, ['__proto__']: name, pod: name});
		m.add(s, [['native', name, name, name, i], ['kernel', name + 'x', name]], 10 + i);
	});
	return m.out;
}

/* What the writer in C does: no `<` survives in the data. */
function pageWith(template, profiles) {
	const json = JSON.stringify({porthole: 1, profiles}).replace(/</g, '\\u003c');
	return template.replace('<!--data-->', () => json);
}

module.exports = {known, large, hostile, HOSTILE, pageWith};
