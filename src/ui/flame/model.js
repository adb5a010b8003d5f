/*
 * The data of the page (format: out/html/html.h) into typed arrays. Frames of all profiles share one
 * table of functions: a function is (kind, name, module, file); its lines stay with the frames.
 */

const KINDS = ['kernel', 'native', 'jit', 'interp', 'mark', 'inlined', 'group'];
const KIND_NAMES = ['Kernel', 'Native', 'JIT', 'Interpreter', 'Note', 'Inlined', 'Group'];
const KIND_MARK = 4, KIND_INLINED = 5, KIND_GROUP = 6;

class Functions {
	constructor() {
		this.ids = new Map();
		this.name = [];
		this.module = [];
		this.file = [];
		this.kind = [];
	}

	add(kind, name, module, file) {
		const key = `${kind}\0${name}\0${module}\0${file}`;
		let id = this.ids.get(key);
		if (id === undefined) {
			id = this.name.length;
			this.ids.set(key, id);
			this.name.push(name);
			this.module.push(module);
			this.file.push(file);
			this.kind.push(kind);
		}
		return id;
	}

	nameOf(id) {
		return id < 0 ? 'all' : this.name[id];
	}
}

function damaged(what) {
	return new Error(`The data of this file is damaged: ${what}.`);
}

function integers(list, limit, what) {
	if (!Array.isArray(list))
		throw damaged(`${what} is missing`);
	const out = Int32Array.from(list);
	for (let i = 0; i < out.length; i++)
		if (out[i] !== list[i] || out[i] < 0 || out[i] >= limit)
			throw damaged(`${what} ${i} is out of range`);
	return out;
}

function sameLength(what, n, ...lists) {
	if (lists.some((l) => l.length !== n))
		throw damaged(`the columns of ${what} differ in length`);
}

function frameName(name, module, address) {
	if (name)
		return name;
	if (!address)
		return module ? `${baseName(module)} (no symbol)` : '(unknown)';
	return module ? `${baseName(module)}+0x${address}` : `0x${address}`;
}

function decodeFrames(json, strings, fns) {
	const f = json.frames, n = (f.function || []).length;
	const text = (list, what) => integers(list, strings.length, what);
	const kindOf = json.kinds.map((k) => KINDS.indexOf(k));
	const kind = integers(f.kind, kindOf.length, 'frame kind');
	const name = text(f.function, 'frame function'), module = text(f.module, 'frame module');
	const file = text(f.file, 'frame file'), address = text(f.address, 'frame address');
	const line = integers(f.line, 2 ** 31, 'frame line'), inlined = integers(f.inlined, 2, 'frame inlined');
	sameLength('frames', n, kind, name, module, file, address, line, inlined);
	const fn = new Int32Array(n);
	for (let i = 0; i < n; i++) {
		const m = strings[module[i]];
		fn[i] = fns.add(inlined[i] ? KIND_INLINED : kindOf[kind[i]],
			frameName(strings[name[i]], m, strings[address[i]]), m, strings[file[i]]);
	}
	return {fn, line};
}

/* Node 0 is the root. `up` is how far before a node its parent stands: parents come first. */
function decodeNodes(json, frames) {
	const up = integers(json.nodes.up, 2 ** 31, 'node'), n = up.length + 1;
	const frame = integers(json.nodes.frame, frames.fn.length, 'node frame');
	sameLength('nodes', n - 1, frame);
	const nodes = {n, parent: new Int32Array(n), fn: new Int32Array(n), line: new Int32Array(n)};
	nodes.fn[0] = -1;
	for (let i = 1; i < n; i++) {
		if (up[i - 1] < 1 || up[i - 1] > i)
			throw damaged(`node ${i} has no parent`);
		nodes.parent[i] = i - up[i - 1];
		nodes.fn[i] = frames.fn[frame[i - 1]];
		nodes.line[i] = frames.line[frame[i - 1]];
	}
	return nodes;
}

function decodeProfile(json, fns) {
	if (!Array.isArray(json.strings) || !Array.isArray(json.kinds) || !Array.isArray(json.series))
		throw damaged('a table is missing');
	const strings = json.strings.map((s) => printable(String(s)));
	const nodes = decodeNodes(json, decodeFrames(json, strings, fns));
	const series = json.series.map((flat) => {
		const labels = new Map(), ids = integers(flat, strings.length, 'label');
		for (let i = 0; i + 1 < ids.length; i += 2)
			labels.set(strings[ids[i]], strings[ids[i + 1]]);
		return labels;
	});
	const node = integers(json.samples.node, nodes.n, 'sample node');
	const of = integers(json.samples.series, series.length, 'sample series');
	const values = json.samples.values.map((v) => Float64Array.from(v));
	sameLength('samples', node.length, of, ...values);
	if (values.length !== json.types.length)
		throw damaged('types and values differ in number');
	return {
		title: printable(String(json.title || '')), time: json.time_ms || 0, duration: json.duration_ns || 0,
		period: json.period_ns || 0, folded: json.folded || 0, nodes, series, node, of, values,
		types: json.types.map(([type, unit]) => ({type: printable(String(type)), unit: String(unit)})),
	};
}

/* Keys of labels and their values, the ones with most series first. */
function labelKeys(profiles) {
	const keys = new Map();
	for (const p of profiles)
		for (const labels of p.series)
			for (const [key, value] of labels) {
				if (!keys.has(key))
					keys.set(key, new Set());
				keys.get(key).add(value);
			}
	return keys;
}

/* @json: {porthole: 1, profiles: [p] or [before, after]}. Throws an Error with words for people. */
function decodeModel(json) {
	if (!json || json.porthole !== 1 || !Array.isArray(json.profiles))
		throw new Error('This page was made for data of another version.');
	if (json.profiles.length < 1 || json.profiles.length > 2)
		throw damaged('there must be one profile, or two');
	const fns = new Functions();
	const profiles = json.profiles.map((p) => decodeProfile(p, fns));
	const names = profiles[profiles.length - 1].types.filter(
		(t) => profiles.every((p) => p.types.some((u) => u.type === t.type && u.unit === t.unit)));
	if (!names.length)
		throw damaged('the two profiles have no type of value in common');
	const labels = labelKeys(profiles), type = printable(String(json.type || ''));
	return {
		fns, profiles, types: names, labels,
		type: names.some((t) => t.type === type) ? type : names[0].type,
		group: labels.has(printable(String(json.group || ''))) ? printable(String(json.group)) : '',
		scale: json.scale === 'absolute' ? 'absolute' : 'normalised',
	};
}
