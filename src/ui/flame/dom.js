/*
 * Elements, numbers and names for people. Text reaches the page only as text nodes and attributes;
 * nothing here or elsewhere parses HTML (the page's policy forbids it as well).
 */

/* h('button', {class: 'x', onclick: f, 'aria-label': 'y'}, 'text', child, ...) */
function h(tag, attributes, ...children) {
	const e = document.createElement(tag);
	for (const [key, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false)
			continue;
		if (key.startsWith('on'))
			e.addEventListener(key.slice(2), value);
		else
			e.setAttribute(key, value === true ? '' : value);
	}
	e.append(...children.filter((c) => c !== null && c !== undefined));
	return e;
}

function fill(element, ...children) {
	element.replaceChildren(...children.filter((c) => c !== null && c !== undefined));
}

/*
 * Controls, invisible characters and those that turn the direction of text: shown as what they are,
 * so that two names that differ look different and no name rearranges its neighbours.
 */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function printable(text) {
	return text.replace(UNSEEN, (c) => {
		const code = c.charCodeAt(0);
		return code < 0x20 ? String.fromCharCode(0x2400 + code) :
			'\\u' + code.toString(16).padStart(4, '0');
	});
}

const COUNT = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
const SCALES = {
	nanoseconds: [[60e9, 'min', 60e9], [1e9, 's', 1e9], [1e6, 'ms', 1e6], [1e3, 'µs', 1e3], [0, 'ns', 1]],
	bytes: [[2 ** 30, 'GiB', 2 ** 30], [2 ** 20, 'MiB', 2 ** 20], [2 ** 10, 'KiB', 2 ** 10], [0, 'B', 1]],
};

/* 1234567890 nanoseconds: "1.23 s". */
function formatValue(value, unit) {
	const size = Math.abs(value), sign = value < 0 ? '−' : '';
	const scale = SCALES[unit];
	if (!scale)
		return sign + COUNT.format(size) + (unit === 'count' ? '' : ' ' + unit);
	const [, name, by] = scale.find(([from]) => size >= from);
	const n = size / by;
	return sign + (by === 1 ? COUNT.format(n) : n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0)) + ' ' + name;
}

function formatShare(part, whole) {
	if (!whole)
		return '–';
	if (!part)
		return '0%';
	const p = 100 * part / whole, size = Math.abs(p);
	if (size > 0 && size < 0.01)
		return (p < 0 ? '> −' : '< ') + '0.01%';
	return p.toFixed(size < 10 ? 2 : 1).replace('-', '−') + '%';
}

function signed(text) {
	return text.startsWith('−') || text === '–' || /^0(\.0*)?\D*$/.test(text) ? text : '+' + text;
}

function baseName(path) {
	return path.slice(path.lastIndexOf('/') + 1) || path;
}

/* Where clipboard access is refused, the older way. */
async function copyText(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const area = h('textarea', {class: 'ph-offscreen', 'aria-hidden': 'true'});
		area.value = text;
		document.body.append(area);
		area.select();
		const done = document.execCommand('copy');
		area.remove();
		return done;
	}
}
