import { createHash } from 'node:crypto';
import { canonicalJson, challengeOf, digest, fingerprintOf } from '../../src/links/digest.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

test('the parts of a digest cannot run into each other', () => {
  expect(digest('ab', 'c')).toBe(sha256('2:ab1:c'));
  expect(digest('ab', 'c')).not.toBe(digest('a', 'bc'));
  expect(digest('ü')).toBe(sha256('2:ü'));
});

test('a fingerprint is stored for one link and one use', () => {
  expect(fingerprintOf('id-1', 'v1')).toBe(digest('fingerprint', 'id-1', 'v1'));
  expect(fingerprintOf('id-2', 'v1')).not.toBe(fingerprintOf('id-1', 'v1'));
});

test('a challenge is that of RFC 7636 appendix B', () =>
  expect(challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  ));

test.each([
  [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
  [{ c: 1, b: 2, a: 3, d: 4 }, '{"a":3,"b":2,"c":1,"d":4}'],
  [{ outer: { z: [{ y: 1, x: null }], a: 'text' } }, '{"outer":{"a":"text","z":[{"x":null,"y":1}]}}'],
  [[3, 1, 2], '[3,1,2]'],
  [null, 'null'],
])('%j has one form', (value, text) => expect(canonicalJson(value)).toBe(text));
