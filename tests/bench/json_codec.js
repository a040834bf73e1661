// json_codec.js decode|encode FOLDER ROUNDS NAME...: CPU time of JSON.parse on FOLDER/NAME.json, or of
// JSON.stringify on what that gives. Prints NAME=ms.
'use strict';

const fs = require('fs');
const [what, folder, rounds, ...names] = process.argv.slice(2);
let kept;

for (const name of names) {
  const text = fs.readFileSync(`${folder}/${name}.json`, 'utf8');
  const value = JSON.parse(text);
  const times = [];
  for (let round = 0; round < Number(rounds); round++) {
    const began = process.cpuUsage();
    kept = what === 'decode' ? JSON.parse(text) : JSON.stringify(value);
    const used = process.cpuUsage(began);
    times.push((used.user + used.system) / 1e3);
  }
  times.sort((a, b) => a - b);
  process.stdout.write(`${name}=${times[Math.floor(times.length / 2)].toFixed(4)} `);
}
process.stdout.write(kept ? '\n' : '');
