import { readJwkSet } from '../../src/links/jwk-set.js';
import { newKey } from '../../src/links/new-key.js';

test.each([
  ['HS256', { kty: 'oct' }],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['RS256', { kty: 'RSA', e: 'AQAB' }],
] as const)('a new key for %s is one that the service takes', async (alg, material) => {
  const [key, other] = [await newKey(alg, 1_800_000_000_999), await newKey(alg, 0)];
  expect(key).toMatchObject({ ...material, alg, use: 'sig', iat: 1_800_000_000 });
  expect(key.kid).toMatch(/^[0-9a-f]{8}$/);
  const [read] = readJwkSet(JSON.stringify({ keys: [key, other] }));
  expect(read).toMatchObject({ kid: key.kid, alg, madeAt: 1_800_000_000_000, signsFrom: 0 });
});
