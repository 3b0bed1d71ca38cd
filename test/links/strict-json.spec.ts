import fc from 'fast-check';
import { parseStrictJson, StrictJsonError } from '../../src/links/strict-json.js';

const parse = (text: string | Buffer, depth = 16): unknown => parseStrictJson(Buffer.from(text as string), depth);
const kindOf = (text: string | Buffer, depth?: number): string => {
  try {
    parse(text, depth);
  } catch (error) {
    if (error instanceof StrictJsonError) return error.kind;
    throw error;
  }
  return 'accepted';
};

/** A member named `__proto__` is refused by design; see below. */
const withoutProto = fc.jsonValue({ maxDepth: 5 }).filter((value) => !JSON.stringify(value).includes('"__proto__":'));

test('agrees with JSON.parse on whatever JSON.stringify writes', () => {
  fc.assert(
    fc.property(withoutProto, (value) =>
      expect(parse(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value))),
    ),
  );
});

test.each([
  ['{"a":1,"a":2}', 'duplicate'],
  ['{"a":1,"\\u0061":2}', 'duplicate'],
  ['{"a":{"b":1,"b":1}}', 'duplicate'],
  ['[{"a":1},{"a":2}]', 'accepted'],
  ['{"a":{"a":{"a":1}},"b":"a"}', 'accepted'],
  ['{"a":"b\\"a","x":"a\\":"}', 'accepted'],
  ['{"a":"b\\" :[ :"}', 'accepted'],
  ['{"__proto__":1}', 'name'],
  ['{"a":[{"__pr\\u006fto__":1}]}', 'name'],
  ['{"a" : 1, "a"\n:2}', 'duplicate'],
  ['{"a":1,}', 'syntax'],
  ["{'a':1}", 'syntax'],
  ['{"a":1', 'syntax'],
  ['{"\\x":1}', 'syntax'],
  ['NaN', 'syntax'],
  ['\ufeff{}', 'syntax'],
  ['', 'syntax'],
  ['"', 'syntax'],
  ['"\\', 'syntax'],
  ['null', 'accepted'],
  ['[null,1,"a",true]', 'accepted'],
  ['{"a":null,"b":[null],"c":{}}', 'accepted'],
  ['[[{"a":1,"a":2}],3]', 'duplicate'],
  ['{"a\\\\":1,"a\\\\":2}', 'duplicate'],
  ['{"a":"\\":{[:","b":1}', 'accepted'],
  ['{"a":"\\\":[{","b":1}', 'accepted'],
])('%s: %s', (text, kind) => expect(kindOf(text)).toBe(kind));

test('depth counts objects and arrays, and is judged before parsing', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  expect(kindOf(nested(16))).toBe('accepted');
  expect(kindOf(nested(17))).toBe('depth');
  expect(kindOf('['.repeat(60_000))).toBe('depth');
  expect(kindOf(`[${Array<string>(20).fill('[{}]').join()}]`, 3)).toBe('accepted');
  expect(kindOf(`[${Array<string>(20).fill('{"a":[]}').join()}]`, 3)).toBe('accepted');
  expect(kindOf('{"a":{"b":{}}}', 2)).toBe('depth');
  expect(kindOf(`{"a":"${'['.repeat(100)}"}`)).toBe('accepted');
});

test('invalid UTF-8 is refused, not replaced', () => expect(kindOf(Buffer.from([0x22, 0xff, 0x22]))).toBe('syntax'));
