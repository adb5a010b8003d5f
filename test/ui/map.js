/*
 * Drives the map's page: map.js CHROMIUM FOLDER. FOLDER holds `template` (the page without data) and, made by
 * porthole itself, c-*.html. Prints TAP. With a third word pictures go to that folder instead.
 */
'use strict';

const fs = require('fs'), path = require('path'), {pathToFileURL} = require('url');
const assert = require('assert').strict;
const {chromium} = require('playwright-core');
const {HOSTILE} = require('./sample.js');

const [, , executablePath, folder, pictures] = process.argv;
const template = fs.readFileSync(path.join(folder, 'template'), 'utf8');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync'];
const MS = 1e6;

const node = (kind, name, ns) => ({kind, name, ...(ns ? {ns} : {})});
function edge(client, server, protocol, port, requests, failed = 0, more = {}) {
	const l = {p50: 1.2 * MS, p99: 9 * MS, max: 30 * MS};
	const timed = requests ? {p50_ns: l.p50, p99_ns: l.p99, max_ns: l.max, client_ns: l, server_ns: {...l, p50: 0.9 * MS}} : {};
	return {client, server, protocol, port, requests, per_second: requests / 10, failed, unanswered: 0, seen_at_both_ends: 0,
		...timed, request_bytes: 100 * requests, response_bytes: 2000 * requests, opened: 3, closed: 2, refused: 0,
		sent_bytes: 500, received_bytes: 4096, retransmits: 0, ...more};
}
const data = (nodes, edges) => ({seconds: 10, time_ms: 1790000000000, lost: 0, folded: 0,
	nodes: nodes.map((n, id) => ({id, ...n})), edges});

function known() {
	return data([node('workload', 'web', 'shop'), node('service', 'cart', 'shop'), node('service', 'db', 'data'),
		node('process', 'curl'), node('name', 'api.example.com')],
	[edge(3, 0, 'http', 80, 1200, 30), edge(0, 1, 'grpc', 9000, 900), edge(1, 2, 'postgres', 5432, 2500, 0, {retransmits: 4}),
		edge(0, 4, 'tcp', 443, 0), edge(1, 0, 'http', 80, 5), edge(1, 2, 'redis', 6379, 100), edge(1, 1, 'http', 9001, 9)]);
}

function large(n) {
	let state = 7;
	const random = (k) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % 65536 * k / 65536 | 0;
	const nodes = [], edges = [], kinds = ['workload', 'service', 'service', 'pod', 'process', 'name', 'address'];
	for (let i = 0; i < n; i++)
		nodes.push(node(kinds[i % kinds.length], `part-${i}-${'abcdef'[i % 6]}`, i % kinds.length < 4 ? `team-${i % 9}` : ''));
	for (let i = 1; i < n; i++)
		for (let k = 0; k < 1 + random(2); k++)
			edges.push(edge(random(Math.min(i, 60)), i, ['http', 'grpc', 'redis', 'postgres', 'tcp'][random(5)], 80 + k,
				random(5000), i % 11 ? 0 : 9));
	return data(nodes, edges);
}

function hostile() {
	const nodes = HOSTILE.map((name, i) => node(i % 2 ? 'service' : name, name, name));
	return data(nodes, HOSTILE.map((name, i) => edge(i, (i + 1) % HOSTILE.length, name, 80, 10, i % 3)));
}

function write(name, d) {
	const json = JSON.stringify(d).replace(/</g, '\\u003c');
	fs.writeFileSync(path.join(folder, `${name}.html`), template.replace('<!--data-->', () => json));
}

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

const panel = async (page) => (await page.locator('.map-panel').innerText()).replace(/\s+/g, ' ');
const count = (page, what) => page.locator(what).count();
const part = (page, label) => page.locator(`[aria-label^="${label}"]`).first();
const view = (page) => page.evaluate(() => ({...window.porthole.map.view}));

const knownTests = {
	async 'all nodes and edges are there, clients left of servers'({page}) {
		assert.deepEqual([await count(page, '.map-node'), await count(page, '.map-edge')], [5, 7]);
		const x = await page.evaluate(() => window.porthole.model.nodes.map((n) => window.porthole.map.at.get(n).x));
		assert.ok(x[3] < x[0] && x[0] < x[1] && x[1] < x[2], 'curl, web, cart, db');
		assert.match(await page.locator('.map-bar').innerText(), /5 nodes, 7 edges, 10\.0 s, until 2026-09-21/);
	},

	async 'a click on an edge shows its figures'({page}) {
		await part(page, 'curl → shop/web').locator('text').click();
		const said = await panel(page);
		for (const figure of ['curl → shop/web', 'http, port 80', 'a second 120', 'in all 1,200', '30 (2.50%)', 'client: p50 1.20 ms',
			'server: p50 900 µs', 'bytes asked 117 KiB', 'segments retransmitted 0'])
			assert.ok(said.includes(figure), `${figure} in ${said}`);
		assert.equal(await count(page, '.map-edge.map-chosen'), 1);
		await page.keyboard.press('Escape');
		assert.equal(await page.locator('.map-panel').isVisible(), false);
	},

	async 'a click on a node lists its edges, and those lead on'({page}) {
		await part(page, 'shop/cart,').click();
		assert.match(await panel(page), /shop\/cart service in shop Asks data\/db · postgres 250\/s/);
		assert.ok(await count(page, '.map-faint') > 0, 'the rest is faint');
		await page.locator('.map-panel li button', {hasText: 'redis'}).click();
		assert.match(await panel(page), /redis, port 6379/);
	},

	async 'search marks what is found, Enter goes there'({page}) {
		await page.keyboard.press('/');
		await page.keyboard.type('EXAMPLE.com');
		assert.match(await page.locator('[role=status]').innerText(), /^1 found/);
		assert.equal(await count(page, '.map-node.map-faint'), 4);
		await page.keyboard.press('Enter');
		assert.match(await panel(page), /api\.example\.com/);
		await page.keyboard.press('Escape');
		assert.equal(await count(page, '.map-faint'), 0);
	},

	async 'filters by namespace, by protocol, by failure'({page}) {
		await page.getByLabel('Namespace').selectOption('data');
		assert.deepEqual([await count(page, '.map-node'), await count(page, '.map-edge')], [2, 2]);
		await page.getByLabel('Protocol').selectOption('redis');
		assert.equal(await count(page, '.map-edge'), 1);
		await page.getByLabel('Namespace').selectOption('');
		await page.getByLabel('Protocol').selectOption('');
		await page.getByRole('button', {name: 'Failing'}).click();
		assert.deepEqual([await count(page, '.map-node'), await count(page, '.map-edge')], [2, 1]);
		await page.getByLabel('Protocol').selectOption('grpc');
		assert.equal(await page.locator('.map-none').isVisible(), true);
	},

	async 'wheel and buttons zoom about a point, dragging moves'({page}) {
		const box = await page.locator('.map-graph').boundingBox(), before = await view(page);
		await page.mouse.move(box.x + 300, box.y + 200);
		await page.mouse.wheel(0, -400);
		const after = await view(page);
		assert.ok(after.k > before.k * 1.5);
		const under = (v) => [(300 - v.x) / v.k, (200 - v.y) / v.k].map(Math.round);
		assert.deepEqual(under(after), under(before), 'what is under the pointer stays there');
		await page.mouse.move(box.x + 30, box.y + 30);
		await page.mouse.down();
		await page.mouse.move(box.x + 80, box.y + 70, {steps: 4});
		await page.mouse.up();
		const moved = await view(page);
		assert.deepEqual([moved.x - after.x, moved.y - after.y].map(Math.round), [50, 40]);
		await page.getByRole('button', {name: 'Show all'}).click();
		assert.deepEqual(await view(page), before);
	},

	async 'keyboard: tab and Enter, n and p, zoom, help'({page}) {
		await part(page, 'curl, process').focus();
		await page.keyboard.press('Enter');
		assert.match(await panel(page), /^× curl process/);
		await page.keyboard.press('n');
		assert.match(await panel(page), /shop\/cart → data\/db postgres/, 'the busiest edge');
		await page.keyboard.press('n');
		assert.match(await panel(page), /curl → shop\/web/);
		await page.keyboard.press('p');
		assert.match(await panel(page), /shop\/cart → data\/db postgres/);
		const k = (await view(page)).k;
		await page.keyboard.press('+');
		assert.ok((await view(page)).k > k);
		await page.keyboard.press('?');
		assert.equal(await page.locator('dialog').isVisible(), true);
		await page.keyboard.press('Escape');
		assert.equal(await page.locator('dialog').isVisible(), false);
	},

	async 'dark and light, by the system and by the switch'({page}) {
		const surface = () => page.evaluate(() => getComputedStyle(document.querySelector('.map-box')).fill);
		assert.equal(await surface(), 'rgb(255, 255, 255)');
		await page.emulateMedia({colorScheme: 'dark'});
		assert.equal(await surface(), 'rgb(26, 30, 38)');
		await page.getByRole('button', {name: 'Light or dark'}).click();
		assert.equal(await surface(), 'rgb(255, 255, 255)');
	},
};

async function poke({page}) {
	const tags = () => page.evaluate(() => [window.pwned, document.querySelectorAll('img, b, iframe, object, foreignObject').length,
		document.scripts.length, document.querySelectorAll('[onerror], [onload]').length]);
	assert.deepEqual(await tags(), [undefined, 0, 2, 0]);
	const n = await count(page, '.map-edge');
	assert.ok(n > 0);
	for (let i = 0; i < n; i++)
		await page.keyboard.press('n');
	for (const x of await page.locator('.map-node').all()) {
		await x.focus();
		await page.keyboard.press('Enter');
	}
	assert.deepEqual(await tags(), [undefined, 0, 2, 0]);
	assert.ok(!/[\u0000-\u0009\u000b-\u001f\u202e]/.test(await page.evaluate(() => document.body.textContent.replace(/[\n\t]/g, ''))
		.then((s) => s.replace(/\{.*\}/g, ''))));
}

const largeTests = {
	async '200 nodes: nothing lies upon another, drawn within 1 s'({page}) {
		const {overlaps, ms} = await page.evaluate(() => {
			const {map} = window.porthole, t = performance.now();
			map.redraw();
			const ms = performance.now() - t, at = [...map.at.values()];
			let overlaps = 0;
			for (let i = 0; i < at.length; i++)
				for (let k = 0; k < i; k++)
					overlaps += Math.abs(at[i].x - at[k].x) < 190 && Math.abs(at[i].y - at[k].y) < 44;
			return {overlaps, ms};
		});
		console.log(`# drawn in ${ms.toFixed(0)} ms`);
		assert.equal(overlaps, 0);
		assert.ok(ms < 1000);
	},
};

const cTests = {
	async 'from porthole itself: a replay'({page}) {
		assert.deepEqual(await page.evaluate(() => window.porthole.model.edges.map((e) => [e.client.name, e.server.name,
			e.protocol, e.requests])), [['python3', 'redis-server', 'redis', 17]]);
		await page.keyboard.press('n');
		assert.match(await panel(page), /seen at both ends 17/);
	},
};

const damagedTests = {
	async 'damaged data is said, not guessed'({page}) {
		assert.match(await page.locator('.ph-wrong').innerText(), /damaged: edge 0/);
	},
};

let counted = 0, failed = 0;

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
		console.log(`${error ? 'not ok' : 'ok'} ${++counted} - ${title}`);
		if (error)
			console.log(String(error.stack || error).replace(/^/gm, '# '));
		await context.close();
	}
}

async function picture(browser, name, colorScheme, act) {
	const context = await browser.newContext({viewport: {width: 1400, height: 800}, colorScheme});
	const {page} = await open(context, name);
	if (act)
		await act(page);
	await page.screenshot({path: path.join(pictures, `${name}-${colorScheme}.png`)});
	await context.close();
}

async function main() {
	const damaged = known();
	damaged.edges[0].client = 99;
	write('known', known());
	write('hostile', hostile());
	write('large', large(200));
	write('damaged', damaged);
	const browser = await chromium.launch({executablePath, args: FLAGS});
	if (pictures) {
		for (const scheme of ['light', 'dark']) {
			await picture(browser, 'known', scheme, (p) => p.keyboard.press('n'));
			await picture(browser, 'large', scheme);
		}
	} else {
		await run(browser, 'known', knownTests);
		await run(browser, 'hostile', {'hostile names do nothing': poke});
		await run(browser, 'large', largeTests);
		await run(browser, 'damaged', damagedTests);
		if (fs.existsSync(path.join(folder, 'c-replay.html')))
			await run(browser, 'c-replay', cTests);
		console.log(`1..${counted}`);
	}
	await browser.close();
	process.exit(failed ? 1 : 0);
}

main();
