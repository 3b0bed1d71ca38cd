// Measures Oncelink beside its peers, prints one report and, if nothing was left out or cut short, keeps it in `results/`. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { readOptions } from './options.mjs';
import { Postgres } from './postgres.mjs';
import { describeMachine } from './report/machine.mjs';
import { toMarkdown } from './report/markdown.mjs';
import { judge } from './report/targets.mjs';
import { measureFloods } from './sections/floods.mjs';
import { measureGrowth } from './sections/growth.mjs';
import { measureMail } from './sections/mail.mjs';
import { measureOverload } from './sections/overload.mjs';
import { measureRates } from './sections/rates.mjs';

const RESULTS = new URL('results/', import.meta.url);
const measures = {
  rates: measureRates,
  overload: measureOverload,
  growth: measureGrowth,
  mail: measureMail,
  floods: measureFloods,
};

const options = readOptionsOrExit();
const say = (...words) => process.stderr.write(`${words.join(' ')}\n`);
// The servers and the load generator end with us; PostgreSQL is ended on the way out.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
const postgres = await Postgres.start();
try {
  const date = new Date().toISOString().slice(0, 10);
  const report = { date, options, machine: await describeMachine(postgres) };
  for (const section of options.sections) {
    if (section !== 'rates' && !options.subjects.includes('oncelink')) continue;
    report[section] = await measures[section](options, postgres, say);
  }
  report.targets = judge(report);
  const markdown = toMarkdown(report);
  process.stdout.write(`\n${markdown}`);
  if (options.complete) keep(date, report, markdown);
} finally {
  await postgres.stop();
}

function keep(name, report, markdown) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(`${name}.json`, RESULTS), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(new URL(`${name}.md`, RESULTS), markdown);
  say(`\nkept as bench/results/${name}.json and .md`);
}

function readOptionsOrExit() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
