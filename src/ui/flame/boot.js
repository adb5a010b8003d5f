/*
 * Makes the page out of the data in it, and says so where it cannot. `window.porthole` is for tests
 * and the curious: the component, its model and the pure functions.
 */

function themeNow() {
	return document.documentElement.dataset.theme ||
		(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
}

/* Storage is refused for some files opened from disk: the choice then lasts as long as the page. */
function storedTheme(value) {
	try {
		if (value)
			localStorage.setItem('porthole-theme', value);
		return localStorage.getItem('porthole-theme');
	} catch {
		return null;
	}
}

function whenText(profile) {
	const parts = [];
	if (profile.time)
		parts.push(new Date(profile.time).toISOString().replace('T', ' ').slice(0, 19) + ' UTC');
	if (profile.duration)
		parts.push(`over ${formatValue(profile.duration, 'nanoseconds')}`);
	if (profile.folded)
		parts.push(`${COUNT.format(profile.folded)} samples without their stack: too many different ones`);
	return parts.join(', ');
}

function headerOf(model, flame) {
	const last = model.profiles[model.profiles.length - 1], [first] = model.profiles;
	const title = model.profiles.length === 2 ? `${first.title || 'before'} → ${last.title || 'after'}` :
		last.title || 'Profile';
	document.title = `${title} – porthole`;
	const icon = h('span', {'aria-hidden': 'true'});
	const theme = h('button', {type: 'button', class: 'ph-button ph-icon', title: 'Light or dark', 'aria-label':
		'Light or dark', onclick: () => {
		document.documentElement.dataset.theme = storedTheme(themeNow() === 'dark' ? 'light' : 'dark') ||
			(themeNow() === 'dark' ? 'light' : 'dark');
		icon.textContent = THEMES[themeNow()];
		flame.restyle();
	}}, icon);
	icon.textContent = THEMES[themeNow()];
	return h('header', {class: 'ph-header'}, h('h1', {title}, title),
		h('span', {class: 'ph-when'}, model.profiles.map(whenText).filter(Boolean).join(' → ')),
		theme, h('button', {type: 'button', class: 'ph-button ph-icon', title: 'Keyboard and mouse (?)',
			'aria-label': 'Help', onclick: () => flame.help.showModal()}, '?'));
}

function startPage() {
	const place = document.getElementById('page'), stored = storedTheme();
	if (stored in THEMES)
		document.documentElement.dataset.theme = stored;
	try {
		const model = decodeModel(JSON.parse(document.getElementById('data').textContent));
		const flame = new Flame(model);
		place.append(headerOf(model, flame));
		const main = h('main', {class: 'ph-mount'});
		place.append(main);
		flame.mount(main);
		window.porthole = {flame, model, decodeModel, buildTree, topTable, sandwich, matchedTotal};
	} catch (error) {
		place.append(h('p', {class: 'ph-wrong', role: 'alert'}, error instanceof SyntaxError ?
			'The data of this file is damaged: it is not JSON.' : error.message));
		window.porthole = {error};
	}
}

startPage();
