import { FILES } from './files.mjs';

const name = process.env.MUTANTS_OF;
const stryker = {
  mutate: [`src/links/${name}.ts`],
  testRunner: 'in-process',
  plugins: ['runner.mjs', 'sentences.mjs'].map((file) => new URL(file, import.meta.url).pathname),
  ignorers: ['sentences'],
  inProcess: { testFiles: FILES[name] },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  timeoutMS: 15_000,
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `test/mutation/reports/${name}.json` },
  ignorePatterns: ['/bench', '/dist', '/data', '/docs', '/deploy', '/test/mutation', '/test/.artifacts', '.git'],
  tempDirName: 'data/mutants',
};
export default stryker;
