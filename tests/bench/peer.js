// peer.js: many GETs of one URL with undici's request(), or with fetch when undici is not installed
// (Node's fetch is undici too).
//
//   node peer.js URL TOTAL CONCURRENCY
//
// prints ok, the number of good answers. NODE_PATH names the folder undici was installed to,
// NODE_EXTRA_CA_CERTS the CA's certificate for https.
'use strict';

let undici = null;
try {
  undici = require('undici');
} catch {
  process.stderr.write('peer.js: undici is not installed, using fetch\n');
}

const [url, total, concurrency] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
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

let started = 0, ended = 0, ok = 0;

async function work() {
  while (started < total) {
    started++;
    try {
      if (await get()) ok++;
    } catch (error) {
      if (ended - ok < 3) process.stderr.write(`peer.js: ${error}\n`);
    }
    ended++;
  }
}

async function main() {
  await Promise.all(Array.from({ length: concurrency }, work));
  console.log(`ok=${ok}`);
  process.exit(ok === total ? 0 : 1);
}

main();
