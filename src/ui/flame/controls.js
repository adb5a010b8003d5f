/*
 * The bar of controls. Each control reads and writes one member of the component's state through
 * `flame.set({...})`; `refresh` puts the state back into the controls.
 */

/* A choice of few: radio buttons that look like one button. @options: [[value, name], ...] */
function segmented(label, options, set) {
	const buttons = options.map(([value, name]) => h('button', {
		type: 'button', role: 'radio', 'data-value': value, onclick: () => set(value),
	}, name));
	const element = h('div', {class: 'ph-segments', role: 'radiogroup', 'aria-label': label}, ...buttons);
	element.addEventListener('keydown', (e) => {
		const step = {ArrowRight: 1, ArrowLeft: -1}[e.key], at = buttons.indexOf(document.activeElement);
		if (!step || at < 0)
			return;
		e.preventDefault();
		e.stopPropagation();
		const next = buttons[(at + step + buttons.length) % buttons.length];
		next.click();
		next.focus();
	});
	return {element, show(value) {
		for (const b of buttons) {
			b.setAttribute('aria-checked', String(b.dataset.value === value));
			b.tabIndex = b.dataset.value === value ? 0 : -1;
		}
	}};
}

function select(label, options, set) {
	const list = h('select', {onchange: () => set(list.value)},
		...options.map(([value, name]) => h('option', {value}, name)));
	return {element: h('label', {class: 'ph-select'}, h('span', {}, label), list),
		show(value) { list.value = value; }};
}

function toggle(name, title, set) {
	const button = h('button', {
		type: 'button', class: 'ph-button', title,
		onclick: () => set(button.getAttribute('aria-pressed') !== 'true'),
	}, name);
	return {element: button, show(value) { button.setAttribute('aria-pressed', String(value)); }};
}

/* Pod, container, thread, ... : what of each to show. The panel is made when it is opened. */
class FilterPanel {
	constructor(flame) {
		this.flame = flame;
		this.button = h('button', {
			type: 'button', class: 'ph-button', 'aria-expanded': 'false', 'aria-haspopup': 'dialog',
			onclick: () => (this.panel.hidden ? this.open() : this.close()),
		}, 'Filter');
		this.panel = h('div', {class: 'ph-panel', role: 'dialog', 'aria-label': 'Filter by label', hidden: true});
		this.element = h('div', {class: 'ph-filter'}, this.button, this.panel);
		document.addEventListener('pointerdown', (e) => {
			if (!this.element.contains(e.target))
				this.close();
		});
	}

	show(filter) {
		this.button.textContent = filter.size ? `Filter (${filter.size})` : 'Filter';
		this.button.setAttribute('aria-pressed', String(filter.size > 0));
		if (!this.panel.hidden)
			this.open();
	}

	open() {
		const {model, state} = this.flame, values = labelTotals(model, state.type);
		const rows = [...model.labels.keys()].map((key) => this.choice(key, values.get(key)));
		const clear = h('button', {
			type: 'button', class: 'ph-button', disabled: state.filter.size === 0,
			onclick: () => this.flame.set({filter: new Map()}),
		}, 'Show all');
		fill(this.panel, ...rows, h('div', {class: 'ph-panel-foot'}, clear));
		this.panel.hidden = false;
		this.button.setAttribute('aria-expanded', 'true');
	}

	choice(key, values) {
		const {state} = this.flame, whole = [...values.values()].reduce((a, b) => a + b, 0);
		const sorted = [...values].sort((a, b) => b[1] - a[1]).slice(0, 1000);
		const c = select(key, [['*', `any (${values.size})`],
			...sorted.map(([value, sum]) => ['=' + value, `${value || '(none)'}  ${formatShare(sum, whole)}`])],
		(value) => {
			const filter = new Map(state.filter);
			if (value === '*')
				filter.delete(key);
			else
				filter.set(key, value.slice(1));
			this.flame.set({filter});
		});
		c.show(state.filter.has(key) ? '=' + state.filter.get(key) : '*');
		return c.element;
	}

	close() {
		if (this.panel.hidden)
			return false;
		this.panel.hidden = true;
		this.button.setAttribute('aria-expanded', 'false');
		return true;
	}
}

/* key -> value -> sum over all profiles. */
function labelTotals(model, type) {
	const sums = new Map([...model.labels.keys()].map((key) => [key, new Map()]));
	for (const p of model.profiles) {
		const values = p.values[p.types.findIndex((t) => t.type === type)];
		const bySeries = new Float64Array(p.series.length);
		for (let i = 0; i < p.node.length; i++)
			bySeries[p.of[i]] += values[i];
		p.series.forEach((labels, s) => {
			for (const [key, value] of labels)
				sums.get(key).set(value, (sums.get(key).get(value) || 0) + bySeries[s]);
		});
	}
	return sums;
}

/* Text or expression, and what it comes to. */
class SearchBox {
	constructor(flame) {
		this.flame = flame;
		this.input = h('input', {
			type: 'search', class: 'ph-input', placeholder: 'Search', spellcheck: 'false',
			autocomplete: 'off', 'aria-label': 'Search', oninput: () => flame.set({search: this.input.value}),
			onkeydown: (e) => this.key(e),
		});
		this.regex = toggle('.*', 'Regular expression', (regex) => flame.set({regex}));
		this.regex.element.setAttribute('aria-label', 'Regular expression');
		this.result = h('output', {class: 'ph-result', 'aria-live': 'polite'});
		this.element = h('div', {class: 'ph-search'}, this.input, h('kbd', {'aria-hidden': 'true'}, '/'),
			this.regex.element);
	}

	key(event) {
		if (event.key === 'Enter') {
			event.preventDefault();
			this.flame.nextMatch(event.shiftKey ? -1 : 1);
		} else if (event.key === 'Escape') {
			event.preventDefault();
			event.stopPropagation();
			this.flame.set({search: ''});
			this.flame.focusGraph();
		}
	}

	show(state, text, wrong) {
		if (this.input.value !== state.search)
			this.input.value = state.search;
		this.regex.show(state.regex);
		this.input.setAttribute('aria-invalid', String(wrong));
		this.result.textContent = text;
	}
}

const THEMES = {light: '☀', dark: '☾'};

/* -> {element, show(state), filter, search}; which controls there are depends on the data. */
function toolbarOf(flame) {
	const {model} = flame, put = (key) => (value) => flame.set({[key]: value});
	const diff = model.profiles.length === 2, controls = [], add = (key, c) => controls.push([key, c]) && c.element;
	const left = [add('view', segmented('View', [['graph', 'Graph'], ['both', 'Both'], ['table', 'Table'],
		['sandwich', 'Sandwich']], put('view')))];
	if (diff)
		left.push(add('show', segmented('Profile', [['before', 'Before'], ['diff', 'Difference'],
			['after', 'After']], put('show'))),
		add('scale', segmented('Scale', [['normalised', 'Normalised'], ['absolute', 'Absolute']], put('scale'))));
	if (model.types.length > 1)
		left.push(add('type', select('Value', model.types.map((t) => [t.type, t.type]), put('type'))));
	if (model.labels.size)
		left.push(add('group', select('Group by', [['', 'nothing'], ...[...model.labels.keys()].map((k) => [k, k])],
			put('group'))));
	const filter = new FilterPanel(flame), search = new SearchBox(flame);
	if (model.labels.size)
		left.push(filter.element);
	left.push(add('colour', select('Colour', [...(diff ? [['change', 'change, red and blue'],
		['change-safe', 'change, orange and purple']] : []), ['kind', 'kind'], ['module', 'module']], put('colour'))),
	add('up', toggle('Flame', 'Root at the bottom (i)', put('up'))),
	add('collapse', toggle('Collapse recursion', 'Direct recursion becomes one frame (r)', put('collapse'))));
	return {
		element: h('div', {class: 'ph-toolbar', role: 'toolbar', 'aria-label': 'Flame graph'}, ...left, search.element),
		filter, search,
		show(state) {
			controls.forEach(([key, c]) => c.show(state[key]));
			filter.show(state.filter);
		},
	};
}

const HELP = [
	['Click, Enter', 'zoom to the frame'],
	['Arrows', 'move to caller, callee, neighbour'],
	['Backspace', 'zoom out by one frame'],
	['0, Home', 'reset the zoom; go to the root'],
	['Esc', 'close, clear the search, leave the sandwich, reset the zoom'],
	['/', 'search; Enter and n go to the next match, N to the one before'],
	['s', 'sandwich: callers and callees of the frame'],
	['t', 'table beside the graph'],
	['i', 'icicle or flame'],
	['r', 'collapse recursion'],
	['c', 'copy the name'],
	['Right click, Shift F10', 'menu of the frame'],
	['?', 'this help'],
];

function helpDialog() {
	const dialog = h('dialog', {class: 'ph-help', 'aria-label': 'Keyboard and mouse'},
		h('h2', {}, 'Keyboard and mouse'),
		h('dl', {}, ...HELP.flatMap(([keys, what]) => [
			h('dt', {}, ...keys.split(', ').map((k) => h('kbd', {}, k))), h('dd', {}, what)])),
		h('p', {}, 'Width is the share of the value chosen, summed over all samples that pass the filter; ' +
			'order from left to right is by size, not by time. In a difference, width is the larger of both ' +
			'sides; striped frames are in the first profile only.'),
		h('form', {method: 'dialog'}, h('button', {class: 'ph-button'}, 'Close')));
	return dialog;
}
