import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const README = readFileSync(`${ROOT}README.md`, 'utf8');

/** The text under a heading, up to the next one of the same or a higher level. */
export function section(heading: string): string {
  const lines = README.split('\n');
  const begin = lines.findIndex((line) => /^#+ /.test(line) && plain(line.replace(/^#+ /, '')) === heading);
  if (begin === -1) throw new Error(`README has no section "${heading}"`);
  const level = /^#+/.exec(lines[begin]!)![0].length;
  let fenced = false;
  const end = lines.findIndex((line, index) => {
    if (line.startsWith('```')) fenced = !fenced;
    return index > begin && !fenced && new RegExp(`^#{1,${level}} `).test(line);
  });
  return lines.slice(begin + 1, end === -1 ? undefined : end).join('\n');
}

/** The rows of the table whose first heading is given, cell by cell; `\|` is a bar within a cell. */
export function table(text: string, firstHeading: string): { headings: string[]; rows: string[][] } {
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => cellsOf(line)[0] === firstHeading);
  if (begin === -1) throw new Error(`There is no table that begins with "${firstHeading}"`);
  const rest = lines.slice(begin + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return { headings: cellsOf(lines[begin]!), rows: rest.slice(0, end === -1 ? undefined : end).map(cellsOf) };
}

/** The fenced blocks of a language. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter(([, named]) => named === language)
    .map(([, , code]) => code!);
}

/** Without Markdown's backticks. */
export function plain(cell: string): string {
  return cell.replaceAll('`', '');
}

function cellsOf(line: string): string[] {
  if (!line.startsWith('|')) return [];
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}
