// Mutation testing, file by file: `npm run mutants`, or `npm run mutants -- tokens judgement` for some.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { FILES } from './files.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in FILES));
if (unknown.length > 0) throw new Error(`not in files.mjs: ${unknown.join(', ')}`);

/** Killed of a hundred, in each file. */
const GOAL = 90;

// It takes long; whoever works on this machine meanwhile goes first.
setPriority(constants.priority.PRIORITY_LOW);
const rows = [];
for (const name of chosen.length > 0 ? chosen : Object.keys(FILES)) {
  // What is counted is what this run says.
  rmSync(at(`reports/${name}.json`), { force: true });
  const { status } = spawnSync(
    process.execPath,
    [at('node_modules/@stryker-mutator/core/bin/stryker.js'), 'run', at('stryker.config.mjs')],
    {
      cwd: at('../..'),
      env: { ...process.env, MUTANTS_OF: name },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (status !== 0) throw new Error(`Stryker ended with ${status} on ${name}.ts`);
  rows.push({ file: `${name}.ts`, ...count(name) });
}
console.table(rows);
if (rows.some((row) => row['killed %'] < GOAL)) process.exitCode = 1;

/** An uncaught mutant is one that survived, or that no test runs through. */
function count(name) {
  const { files } = JSON.parse(readFileSync(at(`reports/${name}.json`), 'utf8'));
  const statuses = Object.values(files).flatMap(({ mutants }) => mutants.map(({ status }) => status));
  const of = (...wanted) => statuses.filter((status) => wanted.includes(status)).length;
  const [killed, uncaught] = [of('Killed', 'Timeout'), of('Survived', 'NoCoverage')];
  return {
    mutants: killed + uncaught,
    killed,
    uncaught,
    'killed %': ((100 * killed) / (killed + uncaught)).toFixed(1),
  };
}
