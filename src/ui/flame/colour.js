/*
 * Colours of frames. A palette is a function from node to CSS colour, made once per tree and theme; a
 * few shades of one hue tell neighbours apart without meaning anything.
 */

/* Hue, saturation, lightness: light theme, dark theme. By KINDS. */
const KIND_COLOURS = [
	[[14, 78, 74], [14, 52, 44]],	/* kernel */
	[[43, 84, 69], [40, 56, 37]],	/* native */
	[[146, 42, 67], [150, 34, 33]],	/* jit */
	[[206, 68, 74], [208, 45, 42]],	/* interp */
	[[220, 8, 78], [220, 6, 36]],	/* mark */
	[[274, 48, 80], [272, 28, 45]],	/* inlined */
	[[220, 14, 86], [220, 14, 30]],	/* group */
];
const ROOT_COLOURS = [[220, 12, 89], [220, 10, 27]];

/* Of change: less, more. Blue and red; purple and orange stay apart for every kind of colour vision. */
const CHANGE_HUES = {change: [[212, 72], [4, 74]], 'change-safe': [[268, 50], [30, 92]]};

const SHADES = 5;

function hashOf(text) {
	let hash = 0x811c9dc5;
	for (let i = 0; i < text.length; i++)
		hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
	return (hash ^ (hash >>> 15)) >>> 0;
}

function hsl(h, s, l) {
	return `hsl(${h} ${s}% ${l}%)`;
}

function shaded([h, s, l], shade) {
	return hsl(h, s, l + (shade - (SHADES - 1) / 2) * 1.6);
}

function moduleColour(module, dark) {
	if (!module)
		return KIND_COLOURS[KIND_MARK][dark];
	const hash = hashOf(module), hue = (hash % 36) * 10;
	return dark ? [hue, 34, 38] : [hue, 56, 76];
}

function changeColour(mode, change, dark) {
	const [hue, saturation] = CHANGE_HUES[mode][change > 0 ? 1 : 0], size = Math.ceil(Math.abs(change) * 32) / 32;
	if (Math.abs(change) < 0.005)
		return hsl(220, 8, dark ? 32 : 88);
	return dark ? hsl(hue, 12 + (saturation - 22) * size, 30 + 16 * size) :
		hsl(hue, 20 + (saturation - 20) * size, 90 - 27 * size);
}

/* @mode: kind, module, change, change-safe. -> node -> colour */
function paletteOf(mode, tree, fns, dark) {
	const d = dark ? 1 : 0, root = hsl(...ROOT_COLOURS[d]), byFn = [];
	if (mode in CHANGE_HUES && tree.sides === 2)
		return (node) => (node === 0 ? root : changeColour(mode, changeOf(tree, node), d));
	return (node) => {
		const fn = tree.fn[node];
		if (fn < 0)
			return root;
		if (byFn[fn] === undefined) {
			const kind = fns.kind[fn];
			const base = mode === 'module' && kind !== KIND_GROUP ? moduleColour(fns.module[fn], d) :
				KIND_COLOURS[kind][d];
			byFn[fn] = shaded(base, hashOf(fns.name[fn]) % SHADES);
		}
		return byFn[fn];
	};
}

/* -> [{name, colour, share: value}] of what the tree spends where, largest first. */
function legendOf(mode, tree, fns, dark) {
	const d = dark ? 1 : 0, sums = new Map(), side = tree.sides - 1;
	for (let i = 1; i < tree.n; i++) {
		const fn = tree.fn[i], kind = fns.kind[fn];
		if (kind === KIND_GROUP)
			continue;
		const key = mode === 'module' ? fns.module[fn] : kind;
		sums.set(key, (sums.get(key) || 0) + tree.self[side][i]);
	}
	return [...sums].sort((a, b) => b[1] - a[1]).map(([key, share]) => ({
		name: mode === 'module' ? (key ? baseName(key) : '(no module)') : KIND_NAMES[key], share,
		colour: hsl(...(mode === 'module' ? moduleColour(key, d) : KIND_COLOURS[key][d])),
	}));
}

/* The same for rows that are functions, not nodes: by kind, unless by module. */
function paletteByFunction(mode, fns, dark) {
	const d = dark ? 1 : 0;
	return (fn) => hsl(...(mode === 'module' ? moduleColour(fns.module[fn], d) : KIND_COLOURS[fns.kind[fn]][d]));
}
