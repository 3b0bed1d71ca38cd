import { createHash, randomBytes } from 'node:crypto';
import { isPublished, looksRandom, thumbprint } from '../../src/links/weak-keys.js';

/** Bytes that look random to everybody but who knows how they were made. */
const noise = (length: number, seed = ''): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
      createHash('sha256').update(`${seed}${index}`).digest(),
    ),
  ).subarray(0, length);
/** As many values as `variety`, in an order without a pattern. */
const drawnFrom = (variety: number, values = noise(variety)): Buffer =>
  Buffer.from(noise(32, 'order').map((byte, index) => values[index < variety ? index : byte % variety]!));
const counting = (length: number, steps: readonly number[]): Buffer => {
  let at = 200;
  return Buffer.from(Array.from({ length }, (_, index) => (at += steps[index % steps.length]!) & 255));
};

test('random keys are never taken for weak ones', () => {
  for (let count = 0; count < 20_000; count++)
    if (!looksRandom(randomBytes(32))) throw new Error('a random key was refused');
});

test.each([
  ['32 bytes', true, noise(32)],
  ['64 bytes', true, noise(64)],
  ['12 values', true, drawnFrom(12)],
  ['11 values', false, drawnFrom(11)],
  ['what openssl prints of 32 bytes', true, Buffer.from(noise(32).toString('hex'))],
  ['the same in capitals', true, Buffer.from(noise(32).toString('hex').toUpperCase())],
  ['what openssl prints of 31 bytes, and a byte', false, Buffer.from(`${noise(31).toString('hex')}aa`.slice(0, 63))],
  ['what openssl prints of zeros', false, Buffer.from('00'.repeat(32))],
  ['what openssl prints, with a sign before it', false, Buffer.from(`-${noise(32).toString('hex')}`)],
  ['what openssl prints, with a sign after it', false, Buffer.from(`${noise(32).toString('hex')}-`)],
  [
    'bytes, with what openssl prints after them',
    true,
    Buffer.concat([noise(64), Buffer.from(noise(32).toString('hex'))]),
  ],
  ['base64', false, Buffer.from(noise(64).toString('base64'))],
  ['letters, with a line break among them', false, Buffer.from(`${noise(24).toString('base64')}\n${noise(24, 'x').toString('base64')}`)], // prettier-ignore
  ['steps of one size', false, counting(64, [7])],
  ['steps of ten sizes', false, counting(33, [1, 5, 9, 13, 17, 21, 25, 29, 33, 37])],
  ['steps of eleven sizes, and the beginning', true, counting(33, [1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41])],
  ['bytes and the same bytes again', false, Buffer.concat([noise(32), noise(32)])],
  ['eight bytes over and over', false, Buffer.concat(Array<Buffer>(8).fill(noise(8)))],
  ['noise for the half of it', false, Buffer.concat([noise(32), Buffer.alloc(32)])],
])('%s: %s', (_name, random, bytes) => expect(looksRandom(bytes)).toBe(random));

/** 44 letters of base64url are 33 bytes; the last letter is not looked at. */
const LETTERS = noise(64, 'letters').toString('base64url');
const SMALL = LETTERS.toLowerCase();
test.each([
  ['as they come', true, LETTERS.slice(0, 44)],
  ['the first eight again at the end', false, `${LETTERS.slice(0, 35)}${LETTERS.slice(0, 8)}x`],
  ['the first seven again at the end', true, `${LETTERS.slice(0, 36)}${LETTERS.slice(0, 7)}x`],
  ['eight alike', false, `${LETTERS.slice(0, 20)}qqqqqqqq${LETTERS.slice(20, 36)}`],
  ['seven alike', true, `${LETTERS.slice(0, 20)}qqqqqqq${LETTERS.slice(20, 37)}`],
  ['small, the first and the last a hexadecimal digit', false, `a${SMALL.slice(0, 41)}ax`],
  ['small, but for one', true, `${SMALL.slice(0, 20)}A${SMALL.slice(20, 43)}`],
  ['small, filled up', false, `${SMALL.slice(0, 38)}AAAAAA`],
  ['in capitals', false, LETTERS.toUpperCase().slice(0, 44)],
  ['hexadecimal digits', true, noise(32, 'digits').toString('hex')],
])('words that were taken for base64url, %s: %s', (_name, random, text) =>
  expect(looksRandom(Buffer.from(text, 'base64url'))).toBe(random),
);

describe('a thumbprint', () => {
  const EC = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };
  const RSA = {
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB',
  };
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

  test('is that of RFC 7638 section 3.1', () =>
    expect(thumbprint({ ...RSA, alg: 'RS256', kid: '2011-04-29' })).toBe(
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    ));

  test('names the material and nothing else', () => {
    expect(thumbprint({ kty: 'oct', k: 'k', kid: 'a' })).toBe(sha256('{"k":"k","kty":"oct"}'));
    expect(thumbprint({ ...EC, d: 'd', kid: 'a' })).toBe(sha256('{"crv":"P-256","kty":"EC","x":"x","y":"y"}'));
  });

  test.each([
    { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' },
    { kty: 'oct', k: 'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg' },
    { ...EC, x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' },
    { ...EC, x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM' },
    { ...EC, x: 'EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84', y: 'kGe5DgSIycKp8w9aJmoHhB1sB3QTugfnRWm5nU_TzsY' },
  ])('tells a key that everybody has (%#)', (jwk) => expect(isPublished(thumbprint(jwk))).toBe(true));

  test('does not take another key for one of those', () => expect(isPublished(thumbprint(EC))).toBe(false));
});
