// Measures Oncelink beside its peers, prints one report and, if no subject was left out and nothing cut short, keeps it in `results/`. See README.md.
import { readOptions, SECTIONS } from './options.mjs';
import { Postgres } from './postgres.mjs';
import { describeMachine } from './report/machine.mjs';
import { toMarkdown } from './report/markdown.mjs';
import { Results } from './report/results.mjs';
import { judge } from './report/targets.mjs';
import { measureFloods } from './sections/floods.mjs';
import { measureGrowth } from './sections/growth.mjs';
import { measureMail } from './sections/mail.mjs';
import { measureOverload } from './sections/overload.mjs';
import { measureRates } from './sections/rates.mjs';

/** Each yields what it has so far whenever there is more, so that what follows can break without taking it along. */
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
  const wanted = options.sections.filter((name) => name === 'rates' || options.subjects.includes('oncelink'));
  const sections = wanted.map((name) => ({ name, state: 'not begun', minutes: 0 }));
  const report = { date, options, machine: await describeMachine(postgres), sections };
  const some = wanted.length < SECTIONS.length ? `-${wanted.join('-')}` : '';
  const results = options.kept ? new Results(date + some) : undefined;
  for (const section of sections) await carryOut(section, report, results);
  process.stdout.write(`\n${toMarkdown(report)}`);
  if (results) say(`\nkept as ${results.name}.json and .md`);
  if (sections.some(({ state }) => state === 'broke')) process.exitCode = 1;
} finally {
  await postgres.stop();
}

/** One section; what it has measured is kept at once. If it breaks, the report says so and the next one has its turn. */
async function carryOut(section, report, results) {
  const begin = performance.now();
  const note = (state) => {
    Object.assign(section, { state, minutes: (performance.now() - begin) / 60_000 });
    report.targets = judge(report);
    results?.keep(report, toMarkdown(report));
  };
  note('under way');
  try {
    for await (const sofar of measures[section.name](options, postgres, say)) {
      report[section.name] = sofar;
      note('under way');
    }
    note('complete');
  } catch (error) {
    section.message = error.message;
    note('broke');
    say(`${section.name} broke: ${error.stack}`);
  }
}

function readOptionsOrExit() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
