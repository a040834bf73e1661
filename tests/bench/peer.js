// peer.js: many GETs of one URL with undici's request(), or with fetch when undici is not installed
// (Node's fetch is undici too).
//
//   node peer.js URL TOTAL CONCURRENCY [hold]
//
// prints the same line as multi.c. NODE_PATH names the folder undici was installed to.
'use strict';

let undici = null;
try {
  undici = require('undici');
} catch {
  process.stderr.write('peer.js: undici is not installed, using fetch\n');
}

const [url, total, concurrency, hold] = [process.argv[2], Number(process.argv[3]),
  Number(process.argv[4]), process.argv.length > 5];
const agent = undici && new undici.Agent({ connections: concurrency, pipelining: 1,
  headersTimeout: 0, bodyTimeout: 0 });

async function get() {
  if (undici) {
    const { statusCode, body } = await undici.request(url, { dispatcher: agent });
    await body.json();
    return statusCode === 200;
  }
  const response = await fetch(url);
  await response.json();
  return response.status === 200;
}

let started = 0, ended = 0, ok = 0, heldRss = 0;

async function work() {
  while (started < total) {
    started++;
    try {
      if (await get()) ok++;
    } catch (error) {
      if (ended - ok < 3) process.stderr.write(`peer.js: ${error}\n`);
    }
    if (hold && ended === 0) heldRss = process.memoryUsage().rss / 1024;
    ended++;
  }
}

async function main() {
  const cpu = process.cpuUsage(), begin = process.hrtime.bigint();
  await Promise.all(Array.from({ length: concurrency }, work));
  const used = process.cpuUsage(cpu);
  const wall = Number(process.hrtime.bigint() - begin) / 1e6;
  const rss = hold ? heldRss : process.resourceUsage().maxRSS;
  console.log(`cpu_us=${((used.user + used.system) / total).toFixed(2)} ` +
    `wall_ms=${wall.toFixed(1)} rss_kib=${Math.round(rss)} ok=${ok}`);
  process.exit(ok === total ? 0 : 1);
}

main();
