import fc from 'fast-check';

/** The part of JSON Schema that our document uses. */
export interface Schema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  nullable?: boolean;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/** Text as people of every script write it, and as nobody should. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\r\nBcc: x@y.test',
    '\u202e',
    '\ud800',
    'a\udc00\ud83d',
    '\ufffe\uffff',
    '😀'.repeat(200),
    'ä'.repeat(1_500),
    'İıſK',
    '{{x}}',
    "' OR 1=1 --",
    '../..',
    '__proto__',
    '%00',
    '<script>',
    'null',
    '-1',
    '1e999',
    '2147483648',
    '9223372036854775808',
    '\\u0000\\ud800\\x',
    '\\000',
    '$1',
    '\\N',
    '{"a":"\\u0000"}',
  ),
);
export const anyValue = fc.oneof(
  anyText,
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    0.5,
    1e308,
    -0,
    5e-324,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
    [],
    [[]],
    {},
    { $ne: null },
    { toString: 'x' },
    { length: 1 },
    ['x'],
  ),
);

/** Whatever JSON can say, odd texts and numbers deep inside it too. */
const anyJson = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: anyText },
  { weight: 1, arbitrary: fc.dictionary(anyText, anyValue, { maxKeys: 2 }) },
  { weight: 1, arbitrary: fc.array(anyValue, { maxLength: 3 }) },
);

/** Knows values that a schema cannot describe, such as a token that is in force. */
export type Known = (name: string) => fc.Arbitrary<unknown> | undefined;

/** Values that the schema permits. */
export function valid(
  schema: Schema,
  known: Known,
  deref: (schema: Schema) => Schema,
  name = '',
): fc.Arbitrary<unknown> {
  const real = deref(schema);
  const made = known(name);
  if (made) return made;
  const values = ((): fc.Arbitrary<unknown> => {
    if (real.enum) return fc.constantFrom(...real.enum);
    if (real.anyOf) return fc.oneof(...real.anyOf.map((one) => valid(one, known, deref)));
    switch (real.type) {
      case 'string':
        return textOf(real);
      case 'integer':
        return fc.integer({ min: real.minimum ?? -1000, max: Math.min(real.maximum ?? 100_000, 100_000) });
      case 'number':
        return fc.double({ noNaN: true, noDefaultInfinity: true });
      case 'boolean':
        return fc.boolean();
      case 'array':
        return fc.array(valid(real.items ?? {}, known, deref), { maxLength: 3 });
      case 'object':
        return objectOf(real, known, deref);
      default:
        return anyJson;
    }
  })();
  return real.nullable ? fc.option(values) : values;
}

function textOf({ pattern, minLength = 0, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined && !pattern.includes('\\p')) return fc.stringMatching(new RegExp(pattern));
  const unit = fc.constantFrom(...'abcXYZ019-_.~äß漢😀');
  return fc.oneof(
    fc.string({ unit, minLength, maxLength: Math.min(maxLength, 60) }).filter((text) => text.length <= maxLength),
    fc.constant('x'.repeat(maxLength)), // the longest
    fc.constant('x'.repeat(Math.max(1, minLength))), // the shortest
  );
}

function objectOf(
  { properties = {}, required = [], additionalProperties }: Schema,
  known: Known,
  deref: (schema: Schema) => Schema,
): fc.Arbitrary<unknown> {
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valid(schema, known, deref, name)]),
  );
  if (Object.keys(members).length > 0) return fc.record(members, { requiredKeys: required });
  const value = typeof additionalProperties === 'object' ? valid(additionalProperties, known, deref) : anyJson;
  const name = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('name', 'a', 'b', 'ä') },
    { weight: 1, arbitrary: anyText },
  );
  return fc.dictionary(name, value, { maxKeys: 2 });
}

/** A good object with one thing wrong: another type, over the edge, missing, unknown, or two members exchanged. */
export function oneWrong(object: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<unknown> {
  return fc
    .tuple(object, fc.nat(), anyValue, fc.constantFrom('change', 'drop', 'add', 'exchange', 'longer'), anyText)
    .map(([good, n, value, how, text]) => {
      const names = Object.keys(good);
      const name = names[n % Math.max(1, names.length)] ?? 'x';
      const other = names[(n + 1) % Math.max(1, names.length)] ?? 'y';
      switch (how) {
        case 'change':
          return { ...good, [name]: value };
        case 'drop':
          return Object.fromEntries(Object.entries(good).filter(([one]) => one !== name));
        case 'add':
          return { ...good, [text]: value };
        case 'exchange':
          return { ...good, [name]: good[other], [other]: good[name] };
        default:
          return { ...good, [name]: `${JSON.stringify(good[name])}${'x'.repeat(5_000)}` };
      }
    });
}

/** Escapes and bytes that JSON has not, or that become what no text can hold; where the engines differ. */
const ESCAPES = [
  '\\u0000',
  '\\ud800',
  '\\udc00\\ud800',
  '\\x41',
  '\\u12',
  '\\',
  '\0',
  '\t',
  '\\ufeff',
  '\\u005f\\u005fproto\\u005f\\u005f',
];
const NUMBERS = ['1e400', '-0', '9223372036854775808', '2147483648', '0.1e-400', '01', '1.', '+1', 'NaN', '0x1'];

/** The text of a good object with one thing in it that no serializer would have written. */
export function oneOddSpelling(object: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<string> {
  return fc
    .tuple(object, fc.nat(), fc.constantFrom(...ESCAPES), fc.constantFrom(...NUMBERS))
    .map(([good, n, escape, number]) => {
      const text = JSON.stringify(good);
      const places = [...text.matchAll(/(?<="[^"\\]*":)(?:"|-?\d[\d.e+-]*)/g)];
      const place = places[n % Math.max(1, places.length)];
      if (!place) return `${text}${escape}`;
      const [found] = place;
      const end = place.index + found.length;
      return text.slice(0, place.index) + (found === '"' ? `"${escape}` : number) + text.slice(end);
    });
}
