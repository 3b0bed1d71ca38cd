import { isUtf8 } from 'node:buffer';
import { ExpectedError } from './expected-error.js';

/** Why a text is not acceptable JSON; `kind` tells a syntax fault from one of our own limits. */
export class StrictJsonError extends ExpectedError {
  constructor(
    readonly kind: 'syntax' | 'duplicate' | 'depth' | 'name',
    message: string,
  ) {
    super(message);
  }
}

/**
 * `JSON.parse` for hostile bytes: invalid UTF-8, duplicate member names (RFC 7519 section 4, which `JSON.parse`
 * silently resolves to the last one) and nesting beyond `maxDepth` are refused.
 * @throws StrictJsonError
 */
export function parseStrictJson(bytes: Buffer, maxDepth: number): unknown {
  if (!isUtf8(bytes)) throw new StrictJsonError('syntax', 'is not valid UTF-8');
  const text = bytes.toString();
  // Depth first: a deeply nested text must not reach the recursive parser.
  const written = countMembers(text, maxDepth);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StrictJsonError('syntax', 'is not valid JSON');
  }
  if (countKept(value) < written) throw new StrictJsonError('duplicate', 'has a member twice in one object');
  return value;
}

/** @returns how many members the text's objects have: in JSON, every colon outside a string belongs to one */
function countMembers(text: string, maxDepth: number): number {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        break;
      case '{':
      case '[':
        if (++depth > maxDepth) throw new StrictJsonError('depth', `is nested deeper than ${maxDepth} levels`);
        break;
      case '}':
      case ']':
        depth--;
        break;
      case ':':
        members++;
    }
  }
  return members;
}

/** @returns where the string ends that begins there; of one without an end, the end of the text */
function endOfString(text: string, begin: number): number {
  let end = text.indexOf('"', begin + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let begin = at;
  while (text[begin - 1] === '\\') begin--;
  return (at - begin) % 2 === 1;
}

/** @returns how many members `JSON.parse` kept: of those with one name, the last */
function countKept(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countKept(item), 0);
  let kept = 0;
  for (const name of Object.keys(value)) {
    // Sooner or later somebody assigns it, and then it is gone, or worse.
    if (name === '__proto__') throw new StrictJsonError('name', 'has a member named __proto__');
    kept += 1 + countKept((value as Record<string, unknown>)[name]);
  }
  return kept;
}
