// json_encode.js FOLDER ROUNDS NAME...: CPU time of JSON.stringify on FOLDER/NAME.json, parsed. Prints
// NAME=ms.
'use strict';

const fs = require('fs');
const [folder, rounds, ...names] = process.argv.slice(2);
let kept;

for (const name of names) {
  const value = JSON.parse(fs.readFileSync(`${folder}/${name}.json`, 'utf8'));
  const times = [];
  for (let round = 0; round < Number(rounds); round++) {
    const began = process.cpuUsage();
    kept = JSON.stringify(value);
    const used = process.cpuUsage(began);
    times.push((used.user + used.system) / 1e3);
  }
  times.sort((a, b) => a - b);
  process.stdout.write(`${name}=${times[Math.floor(times.length / 2)].toFixed(4)} `);
}
process.stdout.write(kept ? '\n' : '');
