import { randomBytes } from 'node:crypto';
import { livesOf } from '../../src/cli/key-lives.js';
import { KeyRing } from '../../src/links/key-ring.js';
import { LONGEST_LIFE } from '../../src/links/purpose.js';
import { Tokens } from '../../src/links/tokens.js';
import { sampleLink } from '../../src/testing.js';

const NOW = 1_800_000_000_000;
const MONTH = 30 * 86_400;
const secret = (kid: string, times: { iat?: number; nbf?: number } = {}) => ({
  kty: 'oct',
  alg: 'HS256',
  kid,
  k: randomBytes(32).toString('base64url'),
  // seconds before now
  ...Object.fromEntries(Object.entries(times).map(([name, ago]) => [name, NOW / 1000 - ago])),
});
const lives = (...keys: object[]) =>
  livesOf(KeyRing.fromJwks(JSON.stringify({ keys })), NOW).map(({ kid, state, endsAt }) => [kid, state, endsAt]);

test('the first key whose time has come signs, those before it wait, those after it verify', () =>
  expect(lives(secret('c', { nbf: -1 }), secret('b', { nbf: 0 }), secret('a'))).toEqual([
    ['c', 'waits', undefined],
    ['b', 'signs', undefined],
    ['a', 'verifies', NOW + MONTH * 1000],
  ]));

test('a key is needed for the longest life of a token after the next one began', () =>
  expect(lives(secret('c', { nbf: 5 }), secret('b', { iat: 100 }), secret('a', { iat: 900 }))).toEqual([
    ['c', 'signs', undefined],
    ['b', 'verifies', NOW + (MONTH - 5) * 1000],
    ['a', 'verifies', NOW + (MONTH - 100) * 1000],
  ]));

test('where the next ones say nothing it is needed for good', () =>
  expect(lives(secret('b'), secret('a', { iat: 900 }))[1]).toEqual(['a', 'verifies', undefined]));

test('when all are still to come, the last one signs all the same', () =>
  expect(lives(secret('b', { nbf: -9 }), secret('a', { nbf: -1 })).map(([, state]) => state)).toEqual([
    'waits',
    'signs',
  ]));

test('no token outlives the key that signed it', () => {
  const before = [secret('a', { iat: 900 })];
  const ring = KeyRing.fromJwks(JSON.stringify({ keys: before }));
  const tokens = new Tokens(ring, 'http://localhost', new Set(['email-verification']), () => NOW);
  const longest = NOW + LONGEST_LIFE * 1000;
  const link = sampleLink({ purpose: 'email-verification', issuedAt: NOW, expiresAt: longest, redeemedAt: NOW });
  const signed = [tokens.mintLink(link), tokens.mintCode(link, 600, false), tokens.mintReport(link)];
  const ends = signed.map((token) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).exp * 1000);
  // The next key begins at the very moment at which this one has signed for the last time.
  const [, [, , endsAt]] = lives(secret('b', { nbf: 0 }), ...before) as [unknown, [string, string, number]];
  expect(endsAt).toBe(Math.max(...ends));
});
