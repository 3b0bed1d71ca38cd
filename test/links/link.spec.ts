import { expiryOf, statusOf } from '../../src/links/link.js';
import { NOW, sampleLink } from '../../src/testing/exam-tools.js';

test.each([
  ['active', {}],
  ['active', { expiresAt: NOW + 1 }],
  ['expired', { expiresAt: NOW }],
  ['active', { expiresAt: NOW, delivery: { dueAt: NOW + 5 } }],
  ['superseded', { superseded: true, expiresAt: NOW }],
  ['superseded', { superseded: true, delivery: { dueAt: NOW + 5 } }],
  ['revoked', { revokedAt: NOW - 5, superseded: true, expiresAt: NOW }],
  ['redeemed', { redeemedAt: 0, revokedAt: NOW - 5, superseded: true, expiresAt: NOW }],
] as const)('%s is what %j is worth', (status, change) => expect(statusOf(sampleLink(change), NOW)).toBe(status));

test('a life ends on the second, as the exp of its token does', () => {
  expect(expiryOf(1_800_000_000_000, 10)).toBe(1_800_000_010_000);
  expect(expiryOf(1_800_000_000_999, 10)).toBe(1_800_000_010_000);
  expect(expiryOf(1_800_000_001_000, 0)).toBe(1_800_000_001_000);
});
