import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** ms */
const LOOK = 400;

/** @returns how much of all cores is in use while nothing of ours is: 0 on a quiet machine, 1 on one that is taken */
export async function foreignLoad() {
  const before = times();
  await pause(LOOK);
  const after = times();
  const all = after.all - before.all;
  return all === 0 ? 0 : 1 - (after.idle - before.idle) / all;
}

function times() {
  const sum = { all: 0, idle: 0 };
  for (const { times } of cpus()) {
    sum.idle += times.idle;
    sum.all += Object.values(times).reduce((one, other) => one + other);
  }
  return sum;
}
