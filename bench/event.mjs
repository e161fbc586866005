// Prints the processor time of JSON.parse for one text of a file, a JSON list of texts, in nanoseconds.
import { readFileSync } from "node:fs";

const texts = JSON.parse(readFileSync(process.argv[2], "utf8"));
let kept;

function time(rounds) {
  const started = process.cpuUsage();
  for (let round = 0; round < rounds; round++) for (const text of texts) kept = JSON.parse(text);
  const { user, system } = process.cpuUsage(started);
  return ((user + system) * 1000) / (rounds * texts.length);
}

time(5000);
console.log(time(20000));
if (kept.type === undefined) process.exit(1);
