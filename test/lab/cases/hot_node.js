/*
 * cause: hot-function
 * cpu: 2
 * memory: 512
 * needs: /usr/bin/node
 * run: /usr/bin/node --perf-basic-prof
 *
 * JavaScript, compiled at run time; V8 writes the map of its code.
 */
'use strict';
const seed = Number(process.argv[3]) || 1;

function primesBelow(n) {
	let count = 0;
	for (let i = 2; i < n; i++) {
		let prime = true;
		for (let j = 2; j * j <= i; j++)
			if (i % j === 0) {
				prime = false;
				break;
			}
		if (prime)
			count++;
	}
	return count;
}

function turn() {
	primesBelow(20000 + seed % 30000);
	setImmediate(turn);
}
turn();
