import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './readme.js';

const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const rows = [...text.matchAll(/^\| ([AT]\d+) \| (.+?) \| (.+?) \|$/gm)].map(([, row, answer, shown]) => ({
  row: row!,
  answer: answer!,
  shown: shown!,
}));
const upTo = (letter: string, last: number): string[] => Array.from({ length: last }, (_, n) => `${letter}${n + 1}`);

test('SECURITY.md answers every requirement and every threat, once and in order', () => {
  expect(rows.map(({ row }) => row)).toEqual([...upTo('A', 82), ...upTo('T', 32)]);
});

test('each row names tests that exist, or says why there is none', () => {
  for (const { row, answer, shown } of rows) {
    const files = [...shown.matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file!);
    for (const file of files) expect([row, file, existsSync(join(ROOT, file))]).toEqual([row, file, true]);
    expect(files.length > 0 || (shown === '–' && answer.length > 25)).toBe(true);
  }
});
