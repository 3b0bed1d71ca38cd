import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './readme.js';

const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const rows = [...text.matchAll(/^\| ([AT]\d+) \| (.+?) \| (.+?) \|$/gm)].map(([, row, answer, shown]) => ({
  row: row!,
  answer: answer!,
  shown: shown!,
}));
const upTo = (letter: string, last: number): string[] => Array.from({ length: last }, (_, n) => `${letter}${n + 1}`);
/** A file may have so many tests and be named without saying which. */
const FEW = 3;

/** `[label](file) “words of a title”, “others”; [label](file)`, with what is left over. */
function proofsIn(shown: string): { proofs: { file: string; titles: string[] }[]; rest: string } {
  const proofs: { file: string; titles: string[] }[] = [];
  const rest = shown.replace(
    /(?:^|; )\[[^\]]+\]\(([^)]+)\)((?:,? “[^”]+”)*)/g,
    (_whole, file: string, quoted: string) => {
      proofs.push({ file, titles: [...quoted.matchAll(/“([^”]+)”/g)].map(([, title]) => title!) });
      return '';
    },
  );
  return { proofs, rest };
}

/** What stands for tests in our files; `full` are those that a setting asks for, `refused` the exam's of a kind. */
const TESTS = new Set(['test', 'it', 'full', 'refused']);

/** @returns of each test of a file its title and the names of its table's rows; what is skipped or commented out is none */
function testsIn(file: string): string[][] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest);
  const found: string[][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const title = wordsOf(node.arguments[0], source);
      const names = chainOf(node.expression);
      if (title !== undefined && TESTS.has(names[0]!) && !names.includes('skip') && !names.includes('todo'))
        found.push([title, ...rowsOf(node.expression, source)]);
    }
    // A case of the exam that every store sits.
    if (ts.isPropertyAssignment(node) && node.name.getText(source) === 'name' && file.startsWith('src/testing/'))
      found.push([wordsOf(node.initializer, source) ?? '']);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The names of a callee: `test.each([…])` has test and each. */
function chainOf(callee: ts.Expression): string[] {
  if (ts.isIdentifier(callee)) return [callee.text];
  if (ts.isPropertyAccessExpression(callee)) return [...chainOf(callee.expression), callee.name.text];
  return ts.isCallExpression(callee) ? chainOf(callee.expression) : [''];
}

function rowsOf(callee: ts.Expression, source: ts.SourceFile): string[] {
  const table = ts.isCallExpression(callee) ? callee.arguments[0] : undefined;
  if (!table || !ts.isArrayLiteralExpression(table)) return [];
  return table.elements
    .map((row) => wordsOf(ts.isArrayLiteralExpression(row) ? row.elements[0] : row, source))
    .filter((words) => words !== undefined);
}

/** The text of a literal; of one with something to fill in, as it is written. */
function wordsOf(node: ts.Node | undefined, source: ts.SourceFile): string | undefined {
  if (!node) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.getText(source) : undefined;
}

test('SECURITY.md answers every requirement and every threat, once and in order', () => {
  expect(rows.map(({ row }) => row)).toEqual([...upTo('A', 82), ...upTo('T', 32)]);
});

test('each row names files that exist, or says why there is none', () => {
  for (const { row, answer, shown } of rows) {
    const { proofs, rest } = proofsIn(shown);
    for (const { file } of proofs) expect([row, file, existsSync(join(ROOT, file))]).toEqual([row, file, true]);
    if (proofs.length > 0) expect([row, rest]).toEqual([row, '']);
    else expect([row, shown, answer.length > 25]).toEqual([row, '–', true]);
  }
});

test('each row names the tests themselves: each is in its file, and no other can be meant', () => {
  const files = new Map<string, string[][]>();
  const faults: string[] = [];
  for (const { row, shown } of rows) {
    for (const { file, titles } of proofsIn(shown).proofs) {
      const tests = files.get(file) ?? testsIn(file);
      files.set(file, tests);
      if (titles.length === 0 && tests.length > FEW)
        faults.push(`${row}: which of the ${tests.length} tests in ${file}?`);
      for (const title of titles) {
        const meant = tests.filter((names) => names.some((name) => name.includes(title)));
        if (meant.length !== 1) faults.push(`${row}: ${meant.length} tests in ${file} have “${title}”`);
      }
    }
  }
  expect(faults).toEqual([]);
  expect(files.size).toBeGreaterThan(40);
}, 60_000);

test('a test is found by its title or by a row of its table, and not where it is skipped or commented out', () => {
  const found = testsIn('test/docs/security.spec.ts').flat();
  expect(found).toContain(
    'a test is found by its title or by a row of its table, and not where it is skipped or commented out',
  );
  expect(found).toContain('a row of a table');
  // test('this is a comment', () => {});
  expect(found).not.toContain('this is a comment');
  expect(testsIn('src/testing/exam-redeeming.ts').flat()).toContain('lets one of 100 concurrent redeemers win');
  expect(testsIn('test/support/service.ts')).toEqual([]);
});

test.each([['a row of a table', 'the second column is no name']])('%s has a name', (name) =>
  expect(name).toContain('row'),
);
