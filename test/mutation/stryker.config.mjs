import { FILES, LOOPS } from './files.mjs';

const name = process.env.MUTANTS_OF;
const stryker = {
  mutate: [`src/links/${name}.ts`],
  testRunner: 'in-process',
  plugins: ['runner.mjs', 'sentences.mjs'].map((file) => new URL(file, import.meta.url).pathname),
  ignorers: ['sentences'],
  inProcess: { testFiles: FILES[name] },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // A mutant of a loop may go on for ever beside the next ones' tests: then each has a process of its own.
  maxTestRunnerReuse: LOOPS.includes(name) ? 1 : 0,
  timeoutMS: 15_000,
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `test/mutation/reports/${name}.json` },
  ignorePatterns: ['/bench', '/dist', '/data', '/docs', '/deploy', '/test/mutation', '/test/.artifacts', '.git'],
  tempDirName: 'data/mutants',
};
export default stryker;
