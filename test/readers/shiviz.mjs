// A log by ShiViz's own expression, and whether its clocks are clocks: node shiviz.mjs FILE
import fs from 'node:fs';

const expression = /(?<event>.*)\n(?<host>\S*) (?<clock>{.*})/gm;
const log = fs.readFileSync(process.argv[2], 'utf8').trim();
const found = [...log.matchAll(expression)].map(({ groups }) => ({ ...groups, clock: JSON.parse(groups.clock) }));
const counts = new Map();
const broken = [];
for (const { host, clock, event } of found) {
  const next = (counts.get(host) ?? 0) + 1;
  if (clock[host] !== next) broken.push(`${host}: ${clock[host]} instead of ${next} at ${event}`);
  counts.set(host, next);
}
for (const { clock, event } of found) {
  for (const [host, count] of Object.entries(clock)) {
    if (!(count <= counts.get(host))) broken.push(`${host} has no ${count}, at ${event}`);
  }
}
console.log(JSON.stringify({ events: found.map(({ event }) => event), hosts: [...counts.keys()], broken }));
