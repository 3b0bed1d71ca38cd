import { ms, table, whole } from './table.mjs';

/** What refusing costs, and what others feel of it. */
export function floodTables({ gate, http }) {
  const alone = table(
    ['the token gate alone', 'refused in a second of CPU'],
    gate.map(({ name, rate }) => [name, whole(rate)]),
  );
  const head = ['flooded with', 'subject', 'engine', 'refused/s', 'CPU µs each', 'good/s', 'good p50 / p99 ms'];
  const rows = http.flatMap(({ title, engine, floods }) =>
    floods.map(({ name, rate, cpuMicros, good }) => [
      name,
      title,
      engine,
      cpuMicros === null ? '–' : whole(rate),
      cpuMicros === null ? '–' : whole(cpuMicros),
      whole(good.rate),
      `${ms(good.p50)} / ${ms(good.p99)}`,
    ]),
  );
  return `${alone}\n\n${table(head, rows)}`;
}
