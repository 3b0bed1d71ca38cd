import { randomBytes } from 'node:crypto';
import { livesOf } from '../../src/cli/key-lives.js';
import { KeyRing } from '../../src/links/key-ring.js';

const NOW = 1_800_000_000_000;
const WEEK = 7 * 86_400;
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
    ['a', 'verifies', NOW + WEEK * 1000],
  ]));

test('a key is needed for the longest life after the next one began', () =>
  expect(lives(secret('c', { nbf: 5 }), secret('b', { iat: 100 }), secret('a', { iat: 900 }))).toEqual([
    ['c', 'signs', undefined],
    ['b', 'verifies', NOW + (WEEK - 5) * 1000],
    ['a', 'verifies', NOW + (WEEK - 100) * 1000],
  ]));

test('where the next ones say nothing it is needed for good', () =>
  expect(lives(secret('b'), secret('a', { iat: 900 }))[1]).toEqual(['a', 'verifies', undefined]));

test('when all are still to come, the last one signs all the same', () =>
  expect(lives(secret('b', { nbf: -9 }), secret('a', { nbf: -1 })).map(([, state]) => state)).toEqual([
    'waits',
    'signs',
  ]));
