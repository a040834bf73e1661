// What Node's http makes of the cases: `node client.js CASES PORT TIMEOUT`; see clients.py.
'use strict';
const fs = require('fs');
const http = require('http');
const zlib = require('zlib');

const [casesPath, port, timeout] = process.argv.slice(2);
const cases = fs.readFileSync(casesPath, 'latin1').trim().split('\n');
const DECODE = {
  gzip: zlib.gunzipSync, 'x-gzip': zlib.gunzipSync, deflate: zlib.inflateSync,
  br: zlib.brotliDecompressSync, identity: (body) => body,
};

function fieldsOf(raw) {
  const values = {};
  for (let i = 0; i < raw.length; i += 2) (values[raw[i].toLowerCase()] ||= []).push(raw[i + 1].replace(/^[ \t]+|[ \t]+$/g, ''));
  return Object.entries(values).map(([name, list]) => `${name}: ${list.join(', ')}\n`);
}

function decoded(res, body) {
  const names = (res.headers['content-encoding'] || '').toLowerCase().split(',').map((name) => name.trim());
  for (const name of names.reverse()) {
    if (name && !DECODE[name]) throw new Error(`unknown coding ${name}`);
    if (name && body.length) body = DECODE[name](body);
  }
  return body;
}

function accepted(res, pieces) {
  const fields = Buffer.from(fieldsOf(res.rawHeaders).sort().join(''), 'latin1');
  return ['accept', res.statusCode, fields.toString('hex'), decoded(res, Buffer.concat(pieces)).toString('hex')];
}

function ask(number, done) {
  const path = `/case/${number}`;
  let ended = false;
  const end = (verdict) => {
    if (ended) return;
    ended = true;
    console.log(JSON.stringify([number, ...verdict]));
    req.destroy();
    done();
  };
  const refuse = (err) => end(['reject', err.code || 'error', err.message]);
  const req = http.request({ host: '127.0.0.1', port, path, method: cases[number - 1], agent: false }, (res) => {
    const pieces = [];
    res.on('data', (piece) => pieces.push(piece));
    res.on('error', refuse);
    res.on('aborted', () => refuse(new Error('aborted')));
    res.on('end', () => {
      try {
        end(accepted(res, pieces));
      } catch (err) {
        refuse(err);
      }
    });
  });
  req.on('error', refuse);
  req.on('upgrade', (res) => end(accepted(res, [])));
  req.setTimeout(timeout * 1000, () => end(['hang']));
  req.end();
}

let next = 1;
function more() {
  if (next <= cases.length) ask(next++, more);
}
for (let lane = 0; lane < 64; lane++) more();
