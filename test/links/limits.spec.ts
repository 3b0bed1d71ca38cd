import { explainLimit, guardOf, longestReach } from '../../src/links/limits.js';
import { LinkIds } from '../../src/links/link-ids.js';
import type { Purpose } from '../../src/links/purpose.js';
import { sampleLink } from '../../src/testing.js';

const NOW = 1_800_000_000_000;
const purpose = { limits: { cooldown: 30, perRecipient: [{ window: 3600, count: 3 }] } } as unknown as Purpose;
const mint = (secondsAgo: number, change: object = {}) =>
  ({
    kind: 'link',
    createdAt: NOW - secondsAgo * 1000,
    purpose: 'password-reset',
    via: 'email',
    resends: 0,
    ...change,
  }) as const;
const mailed = sampleLink({ via: 'email', createdAt: NOW });

test('the cool-down is for mails, the windows for every mint', () => {
  expect(guardOf(purpose, mailed).quietSince).toBe(LinkIds.floor(NOW - 29_999));
  expect(guardOf(purpose, sampleLink({ createdAt: NOW })).quietSince).toBeNull();
  expect(guardOf(purpose, mailed).windows).toEqual([{ from: LinkIds.floor(NOW - 3_599_999), count: 3 }]);
  expect(longestReach(purpose, NOW)).toBe(LinkIds.floor(NOW - 3_599_999));
});

test.each([
  ['the cool-down', mailed, [mint(10)], 20],
  ['a full window, until its oldest needed mint leaves', mailed, [mint(100), mint(200), mint(600)], 3000],
  ['a window that is over-full', mailed, [mint(100), mint(200), mint(600), mint(700)], 3000],
  ['resends, which count like mints', mailed, [mint(100), mint(600, { resends: 1 })], 3000],
  ['both, until the later one', mailed, [mint(10), mint(200), mint(3599)], 20],
  ['no cool-down for a returned link', sampleLink({ createdAt: NOW }), [mint(10), mint(200), mint(3599)], 1],
  ['notifications, which are counted apart', mailed, [mint(10, { kind: 'notification' }), mint(200), mint(3000)], 1],
  ['no cool-down after another purpose', mailed, [mint(10, { purpose: 'magic-link' }), mint(200), mint(3000)], 600],
] as const)('Retry-After for %s', (_name, link, mints, seconds) => {
  expect(explainLimit(link, purpose, mints).retryAfter).toBe(seconds);
});
