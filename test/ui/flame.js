/*
 * Drives the page: flame.js CHROMIUM FOLDER. FOLDER holds `template` (the page without data) and, made
 * by the writer in C, c-*.html. Prints TAP. What is exact is asked of window.porthole, what a person
 * does is done with the real mouse and keyboard.
 */
'use strict';

const fs = require('fs'), path = require('path'), {pathToFileURL} = require('url');
const assert = require('assert').strict;
const {chromium} = require('playwright-core');
const {known, large, hostile, pageWith} = require('./sample.js');

const [, , executablePath, folder] = process.argv;
const template = fs.readFileSync(path.join(folder, 'template'), 'utf8');
const ROW = 20;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync'];

function write(name, ...profiles) {
	fs.writeFileSync(path.join(folder, `${name}.html`), pageWith(template, profiles));
}

/* A page whose every complaint, dialog and request is kept. */
async function open(context, name) {
	const page = await context.newPage(), wrong = [];
	page.on('console', (m) => wrong.push(`console: ${m.text()}`));
	page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
	page.on('dialog', (d) => wrong.push(`dialog: ${d.message()}`) && d.dismiss());
	page.on('request', (r) => r.url().startsWith('data:') || (r.url().startsWith('file:') &&
		r.isNavigationRequest()) || wrong.push(`request: ${r.url()}`));
	await page.goto(pathToFileURL(path.join(folder, `${name}.html`)).href);
	await page.waitForFunction(() => window.porthole);
	return {page, wrong};
}

/* Where frame @name is on the screen (its left part), in view @view. */
function place(page, name, view = 'main') {
	return page.evaluate(([n, v]) => {
		const {flame} = window.porthole, w = flame.views[v], t = w.tree;
		for (let i = 0; i < t.n; i++)
			if (flame.fns.nameOf(t.fn[i]) === n)
				return w.pointOf(i);
		return null;
	}, [name, view]);
}

async function click(page, name, options, view) {
	const at = await place(page, name, view);
	await page.mouse.click(at.x, at.y, options);
}

const zoomed = (page) => page.evaluate(() => {
	const {flame} = window.porthole, {main} = flame.views;
	return flame.fns.nameOf(main.tree.fn[main.zoom]);
});
const focused = (page) => page.evaluate(() => {
	const {flame} = window.porthole, {main} = flame.views;
	return flame.fns.nameOf(main.tree.fn[main.focus]);
});
const text = (page, selector) => page.locator(selector).first().innerText();

/* function -> [self, total] of the tree shown, side @side. */
const sums = (page, side = 0) => page.evaluate((s) => {
	const {flame, topTable} = window.porthole;
	return Object.fromEntries(topTable(flame.tree, flame.fns).map((r) => [flame.fns.name[r.fn], [r.self[s], r.total[s]]]));
}, side);

const tests = {
	async 'totals of a known profile'({page}) {
		const s = await sums(page);
		assert.deepEqual(s.main, [0, 750]);
		assert.deepEqual(s.memchr, [350, 350]);
		assert.deepEqual(s.visit, [50, 200], 'recursion counts once');
		assert.deepEqual(s['lib.so+0x1f40'], [80, 80]);
		assert.equal(await text(page, '.ph-sum'), '1,000 samples');
		await page.getByLabel('Value').selectOption('cpu');
		assert.equal(await text(page, '.ph-sum'), '10.1 s cpu');
	},

	async 'a click zooms, the breadcrumb and Reset lead back'({page}) {
		await click(page, 'serve');
		assert.equal(await zoomed(page), 'serve');
		assert.match(await text(page, '.ph-sum'), /^550 \(55\.0%\)/);
		assert.equal((await text(page, '.ph-path')).replace(/\s+/g, ' '), 'all › main › serve Reset');
		await page.locator('.ph-path button', {hasText: 'main'}).click();
		assert.equal(await zoomed(page), 'main');
		await page.locator('.ph-reset').click();
		assert.equal(await zoomed(page), 'all');
	},

	async 'the card tells module, place, total and self'({page}) {
		await click(page, 'main');
		const at = await place(page, 'parse');
		await page.mouse.move(at.x + 3, at.y);
		const card = await text(page, '.ph-card');
		for (const part of ['parse', 'Native · /usr/bin/cart', 'cart.c:30', '350', '35.0%', '46.7%', '100', '10.0%'])
			assert.ok(card.includes(part), `${part} in ${card}`);
		await page.mouse.move(at.x, 5);
		assert.equal(await page.locator('.ph-card').isVisible(), false);
	},

	async 'search: text, expression, a wrong one, share of all and of the zoom'({page}) {
		await page.keyboard.press('/');
		await page.keyboard.type('MEMCHR');
		assert.equal(await text(page, '.ph-result'), '35.0% matched');
		await page.keyboard.press('Enter');
		assert.equal(await focused(page), 'memchr');
		await page.keyboard.press('Escape');
		assert.equal(await page.locator('.ph-result').isVisible(), false);
		await page.getByRole('button', {name: 'Regular expression'}).click();
		await page.locator('.ph-input').fill('^(parse|memchr)$');
		assert.equal(await text(page, '.ph-result'), '50.0% matched', 'nested matches count once');
		await click(page, 'visit');
		assert.equal(await text(page, '.ph-result'), '50.0% matched (75.0% of zoom)');
		await page.locator('.ph-input').fill('(');
		assert.equal(await text(page, '.ph-result'), 'not an expression');
	},

	async 'keyboard: arrows, Enter, Backspace, Escape, help'({page}) {
		await page.locator('.ph-canvas').first().focus();
		for (const [key, at] of [['ArrowDown', 'main'], ['ArrowRight', 'handle'], ['ArrowLeft', 'main'],
			['ArrowDown', 'serve'], ['ArrowUp', 'main'], ['ArrowDown', 'serve']]) {
			await page.keyboard.press(key);
			assert.equal(await focused(page), at);
		}
		assert.match(await text(page, '.ph-offscreen[role=status]'), /^serve, 55\.0%/);
		await page.keyboard.press('Enter');
		assert.equal(await zoomed(page), 'serve');
		await page.keyboard.press('Backspace');
		assert.equal(await zoomed(page), 'main');
		await page.keyboard.press('Escape');
		assert.equal(await zoomed(page), 'all');
		await page.keyboard.press('?');
		assert.equal(await page.locator('dialog').isVisible(), true);
		await page.keyboard.press('Escape');
		assert.equal(await page.locator('dialog').isVisible(), false);
	},

	async 'sandwich: callers and callees both come to the total'({page}) {
		await click(page, 'memchr', {button: 'right'});
		await page.getByRole('menuitem', {name: 'Callers and callees'}).click();
		const {up, down} = await page.evaluate(() => {
			const {flame} = window.porthole, {callers, callees} = flame.views;
			const first = (t) => [...t.list.slice(t.first[1], t.first[2])].map((c) => [flame.fns.name[t.fn[c]], t.total[0][c]]);
			return {up: [callers.tree.total[0][0], first(callers.tree)], down: [callees.tree.total[0][0], first(callees.tree)]};
		});
		assert.deepEqual(up, [350, [['parse', 200], ['visit', 150]]]);
		assert.deepEqual(down, [350, []]);
		await click(page, 'parse', {}, 'callers');
		assert.equal(await page.evaluate(() => {
			const {callers} = window.porthole.flame.views;
			return callers.tree.total[0][callers.zoom];
		}), 200);
		await page.keyboard.press('Escape');
		assert.equal(await page.locator('.ph-sandwich').isVisible(), false);
	},

	async 'table: sorts, follows the search, opens the sandwich'({page}) {
		await page.getByRole('radio', {name: 'Table'}).click();
		const names = async () => (await page.locator('.ph-table tbody .ph-name').allInnerTexts()).map((s) => s.trim());
		assert.deepEqual((await names()).slice(0, 2), ['memchr', 'vfs_read']);
		await page.getByRole('button', {name: 'Total'}).click();
		assert.deepEqual((await names()).slice(0, 2), ['main', 'serve']);
		await page.getByRole('button', {name: 'Function'}).click();
		assert.equal((await names())[0], 'LazyCompile:*render');
		await page.locator('.ph-input').fill('cart');
		assert.deepEqual(await names(), ['hash', 'main', 'parse', 'serve', 'visit']);
		await page.locator('.ph-table tbody tr', {hasText: 'visit'}).click();
		assert.equal(await text(page, '.ph-sum'), '200 (20.0%) samples');
	},

	async 'groups and filters by label'({page}) {
		await page.getByLabel('Group by').selectOption('pod');
		const groups = await page.evaluate(() => {
			const {flame} = window.porthole, t = flame.tree;
			return [...t.list.slice(t.first[0], t.first[1])].map((c) => [flame.fns.name[t.fn[c]], t.total[0][c]]);
		});
		assert.deepEqual(groups, [['pod: shop/cart', 550], ['pod: shop/pay', 450]]);
		await page.getByRole('button', {name: 'Filter'}).click();
		await page.locator('.ph-panel').getByLabel('state').selectOption('=disk');
		assert.equal(await text(page, '.ph-sum'), '450 samples');
		await page.getByRole('button', {name: 'Show all'}).click();
		assert.equal(await text(page, '.ph-sum'), '1,000 samples');
	},

	async 'recursion collapses, the graph turns over, names are copied'({page, context}) {
		const visits = () => page.evaluate(() => {
			const {flame} = window.porthole;
			return [...flame.tree.fn].filter((f) => flame.fns.nameOf(f) === 'visit').length;
		});
		assert.equal(await visits(), 3);
		await page.keyboard.press('r');
		assert.equal(await visits(), 1);
		const before = await place(page, 'main');
		await page.keyboard.press('i');
		const after = await place(page, 'main'), root = await place(page, 'all');
		assert.ok(after.y > before.y && root.y === after.y + ROW, 'root below');
		await context.grantPermissions(['clipboard-read', 'clipboard-write']);
		await page.mouse.move(after.x, after.y);
		await page.keyboard.press('c');
		await page.waitForFunction(() => document.querySelector('[role=status]').textContent.startsWith('Copied'));
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'main');
	},

	async 'dark and light, by the system and by the switch; print keeps its light'({page}) {
		const surface = () => page.evaluate(() => getComputedStyle(document.querySelector('.ph-main')).backgroundColor);
		assert.equal(await surface(), 'rgb(255, 255, 255)');
		await page.emulateMedia({colorScheme: 'dark'});
		assert.equal(await surface(), 'rgb(26, 30, 38)');
		await page.getByRole('button', {name: 'Light or dark'}).click();
		assert.equal(await surface(), 'rgb(255, 255, 255)');
		assert.ok((await page.pdf()).length > 5000);
	},
};

const pairTests = {
	async 'difference: shares, absolute, vanished and new frames'({page}) {
		const change = (name) => page.evaluate((n) => {
			const {flame} = window.porthole, t = flame.tree, i = [...t.fn].findIndex((f) => flame.fns.nameOf(f) === n);
			const c = (a) => a[i] / t.width[0];
			return {a: t.total[0][i], b: t.total[1][i], width: c(t.width), scale: t.scale};
		}, name);
		const gone = await change('LazyCompile:*render'), fresh = await change('fresh');
		assert.deepEqual([gone.a, gone.b, fresh.a, fresh.b], [120, 0, 0, 100]);
		assert.ok(gone.width > 0.08 && fresh.width > 0.06, 'both have their place');
		assert.deepEqual(gone.scale, [1.18, 1], 'both sides count as much');
		assert.equal(await text(page, '.ph-sum'), '1,000 → 1,180 samples');
		const at = await place(page, 'memchr');
		await page.mouse.move(at.x, at.y);
		assert.match(await text(page, '.ph-card'), /\+13\.9%/, '400/1180 against 200/1000');
		await page.getByRole('radio', {name: 'Absolute'}).click();
		assert.deepEqual((await change('fresh')).scale, [1, 1]);
		await page.getByRole('radio', {name: 'Before'}).click();
		assert.deepEqual((await sums(page)).memchr, [350, 350]);
		await page.getByRole('radio', {name: 'After'}).click();
		assert.deepEqual((await sums(page)).memchr, [550, 550]);
		await page.getByLabel('Colour').selectOption('change-safe');
		await page.getByRole('radio', {name: 'Difference'}).click();
		await page.getByRole('radio', {name: 'Both'}).click();
		assert.ok((await page.locator('.ph-table .ph-more').count()) > 0);
	},
};

/* Everything that shows names is opened; nothing may happen, and no element may come of a name. */
async function poke(page) {
	const tags = () => page.evaluate(() => [window.pwned, document.querySelectorAll('img, svg, b, iframe, object').length,
		document.scripts.length, document.querySelectorAll('[onerror], [onload]').length]);
	assert.deepEqual(await tags(), [undefined, 0, 2, 0]);
	for (const view of ['Table', 'Sandwich', 'Both'])
		await page.getByRole('radio', {name: view}).click();
	await page.getByRole('button', {name: 'Filter'}).click();
	await page.keyboard.press('Escape');
	const n = await page.evaluate(() => window.porthole.flame.tree.n);
	for (let i = 1; i < Math.min(n, 30); i++) {
		const at = await page.evaluate((node) => window.porthole.flame.views.main.pointOf(node), i);
		await page.mouse.move(at.x, at.y);
	}
	await page.locator('.ph-canvas').first().focus();
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('Shift+F10');
	await page.keyboard.press('Escape');
	await page.keyboard.press('Enter');
	assert.deepEqual(await tags(), [undefined, 0, 2, 0]);
}

const hostileTests = {
	async 'hostile names do nothing and are told apart'({page}) {
		await poke(page);
		const names = await page.evaluate(() => window.porthole.flame.fns.name);
		assert.ok(names.includes('</script><script>window.pwned=1;alert(1)</script>'));
		assert.ok(names.includes('a\\u202eb\\u2066c'));
		assert.ok(names.includes('nul\u2400bel\u2407esc\u241b[31m'));
		assert.ok(!names.some((n) => /[\u0000-\u001f\u202e]/.test(n)));
	},
};

const cKnown = {
	async 'from the writer in C: the same sums'({page}) {
		const s = await sums(page);
		assert.deepEqual([s.main, s.serve, s.vfs_read, s['lib.so+0x1f40']], [[0, 90], [20, 90], [70, 70], [10, 10]]);
	},
};
const cPair = {
	async 'from the writer in C: a pair'({page}) {
		assert.deepEqual([(await sums(page, 0)).vfs_read, (await sums(page, 1)).vfs_read], [[70, 70], [100, 100]]);
		assert.deepEqual(await page.evaluate(() => window.porthole.flame.tree.scale), [1.3, 1], 'by shares');
	},
};
const cAbsolute = {
	async 'from the writer in C: a pair that begins with values'({page}) {
		assert.deepEqual(await page.evaluate(() => window.porthole.flame.tree.scale), [1, 1]);
		assert.equal(await page.getByRole('radio', {name: 'Absolute'}).getAttribute('aria-checked'), 'true');
	},
};
const cHostile = {async 'from the writer in C: hostile names do nothing'({page}) { await poke(page); }};

/*
 * Judged by the CPU time of the process that draws, the mean of some runs: with the machine to itself
 * that is the time a person waits, and what else runs meanwhile is not the page's. The clock's best is
 * printed beside it.
 */
async function cost(page, browser, runs, body) {
	const session = await browser.newBrowserCDPSession();
	const cpu = async () => (await session.send('SystemInfo.getProcessInfo')).processInfo
		.filter((p) => p.type === 'renderer').reduce((sum, p) => sum + p.cpuTime, 0);
	const before = await cpu();
	const best = await page.evaluate(([n, code]) => {
		const {flame, decodeModel} = window.porthole, {main} = flame.views;
		const data = document.getElementById('data');
		const once = {
			decode: () => decodeModel(JSON.parse(data.textContent)),
			draw: () => { flame.rebuild(); main.drawNow(); },
			zoom: (i) => { flame.zoom(main, i % 2 ? 0 : main.tree.list[0]); main.drawNow(); },
			search: (i) => { flame.set({search: `parse_${i}`}); main.drawNow(); },
		}[code];
		return Math.min(...Array.from({length: n}, (_, i) => {
			const t = performance.now();
			once(i);
			return performance.now() - t;
		}));
	}, [runs, body]);
	const ms = 1000 * (await cpu() - before) / runs;
	await session.detach();
	console.log(`# ${body}: ${ms.toFixed(0)} ms of CPU, best ${best.toFixed(0)} ms by the clock`);
	return ms;
}

const largeTests = {
	async '200,000 nodes draw within 1 s and zoom within 100 ms'({page, browser}) {
		assert.ok(await page.evaluate(() => window.porthole.flame.model.profiles[0].nodes.n) > 200000);
		const decode = await cost(page, browser, 4, 'decode'), draw = await cost(page, browser, 6, 'draw');
		assert.ok(decode + draw < 1000, 'first picture');
		assert.ok(await cost(page, browser, 20, 'zoom') < 100, 'zoom');
		assert.ok(await cost(page, browser, 10, 'search') < 200, 'search');
	},

	async 'narrow frames are reached by pointing and by keys'({page}) {
		const box = await page.locator('.ph-canvas').first().boundingBox();
		await page.mouse.move(box.x + box.width - 40, box.y + 6 * ROW + 8);
		assert.match(await text(page, '.ph-card'), /narrow frames? here/);
		await page.mouse.click(box.x + box.width - 40, box.y + 6 * ROW + 8);
		assert.notEqual(await zoomed(page), 'all');
	},
};

const damagedTests = {
	async 'damaged data is said, not guessed'({page}) {
		assert.match(await text(page, '.ph-wrong'), /damaged: node 1 has no parent/);
	},
};

let count = 0, failed = 0;

async function run(browser, name, list) {
	for (const [title, test] of Object.entries(list)) {
		const context = await browser.newContext({viewport: {width: 1280, height: 720}, colorScheme: 'light'});
		let error = null;
		try {
			const {page, wrong} = await open(context, name);
			await test({page, context, browser});
			assert.deepEqual(wrong, [], 'the page complained, asked or fetched');
		} catch (e) {
			error = e;
			failed++;
		}
		console.log(`${error ? 'not ok' : 'ok'} ${++count} - ${title}`);
		if (error)
			console.log(String(error.stack || error).replace(/^/gm, '# '));
		await context.close();
	}
}

async function main() {
	const damaged = known();
	damaged.nodes.up[0] = 5;
	write('known', known());
	write('pair', known(), known(true));
	write('hostile', hostile());
	write('large', large(200001));
	write('damaged', damaged);
	const browser = await chromium.launch({executablePath, args: FLAGS});
	for (const [name, list] of Object.entries({known: tests, pair: pairTests, hostile: hostileTests, large: largeTests,
		damaged: damagedTests}))
		await run(browser, name, list);
	for (const [name, list] of Object.entries({'c-known': cKnown, 'c-pair': cPair, 'c-absolute': cAbsolute,
		'c-hostile': cHostile}))
		if (fs.existsSync(path.join(folder, `${name}.html`)))
			await run(browser, name, list);
		else
			console.log(`ok ${++count} - ${Object.keys(list)[0]} # SKIP html_test is not built`);
	await browser.close();
	console.log(`1..${count}`);
	process.exitCode = failed ? 1 : 0;
}

main();
