/** Why a text is not acceptable JSON; `kind` tells a syntax fault from one of our own limits. */
export class StrictJsonError extends Error {
  constructor(
    readonly kind: 'syntax' | 'duplicate' | 'depth' | 'name',
    message: string,
  ) {
    super(message);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * `JSON.parse` for hostile bytes: invalid UTF-8, duplicate member names (RFC 7519 section 4, which `JSON.parse`
 * silently resolves to the last one) and nesting beyond `maxDepth` are refused.
 * @throws StrictJsonError
 */
export function parseStrictJson(bytes: Uint8Array, maxDepth: number): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new StrictJsonError('syntax', 'is not valid UTF-8');
  }
  // Depth first: a deeply nested text must not reach the recursive parser.
  checkStructure(text, maxDepth);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new StrictJsonError('syntax', 'is not valid JSON');
  }
}

/** One pass over the tokens; what is not JSON at all is left for `JSON.parse` to refuse. */
function checkStructure(text: string, maxDepth: number): void {
  const names: (Set<string> | null)[] = []; // per open bracket: the member names of an object, null for an array
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [lexeme] = match;
    if (lexeme === '{' || lexeme === '[') {
      names.push(lexeme === '{' ? new Set() : null);
      if (names.length > maxDepth) throw new StrictJsonError('depth', `is nested deeper than ${maxDepth} levels`);
    } else if (lexeme === '}' || lexeme === ']') {
      names.pop();
    } else if (isMemberName(text, token.lastIndex)) {
      const members = names.at(-1);
      const name = decodeName(lexeme);
      // Sooner or later somebody assigns it, and then it is gone, or worse.
      if (name === '__proto__') throw new StrictJsonError('name', 'has a member named __proto__');
      if (members?.has(name)) throw new StrictJsonError('duplicate', 'has a member twice in one object');
      members?.add(name);
    }
  }
}

function isMemberName(text: string, end: number): boolean {
  while (end < text.length && ' \t\r\n'.includes(text[end]!)) end++;
  return text[end] === ':';
}

function decodeName(lexeme: string): string {
  if (!lexeme.includes('\\')) return lexeme.slice(1, -1);
  try {
    return JSON.parse(lexeme) as string; // "\u0061" and "a" are the same name
  } catch {
    throw new StrictJsonError('syntax', 'is not valid JSON');
  }
}
