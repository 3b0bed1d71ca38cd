import { explainLimit, Limits } from '../../src/links/limits.js';
import type { NotificationPurpose, Purpose } from '../../src/links/purpose.js';
import { clientKey, isClientAddress } from '../../src/links/recipient.js';
import { sampleLink } from '../../src/testing.js';

const NOW = 1_800_000_000_000;
const HOURLY = [{ window: 3600, count: 3 }];
const purpose = (limits: object = {}, name = 'password-reset'): Purpose =>
  ({
    name,
    kind: 'link',
    limits: { cooldown: 30, perRecipient: HOURLY, perSubject: [], perClient: [], ...limits },
  }) as unknown as Purpose;
const limitsOf = (...[first, ...others]: Purpose[]): [Limits, Purpose] => [
  new Limits(new Map([first!, ...others].map((one) => [one.name, one]))),
  first!,
];
const mailed = sampleLink({ via: 'email', createdAt: NOW });
const returned = sampleLink({ createdAt: NOW });
const recipients = { by: 'recipient', since: NOW - 3_599_999, count: 3 };

describe('what the store is asked', () => {
  test('the cool-down is for mails, the windows for every mint', () => {
    const [limits, reset] = limitsOf(purpose());
    expect(limits.forMint(reset, mailed)).toEqual({ quietSince: NOW - 29_999, windows: [recipients] });
    expect(limits.forMint(reset, returned)).toEqual({ quietSince: null, windows: [recipients] });
    const [calm, noisy] = limitsOf(purpose({ cooldown: 0 }));
    expect(calm.forMint(noisy, mailed).quietSince).toBeNull();
  });

  test('a limit that is not configured is not in the question, nor is a client that nothing counts by', () => {
    const [limits, reset] = limitsOf(purpose());
    expect(limits.forMint(reset, mailed, '192.0.2.1')).not.toHaveProperty('client');
  });

  test('every configured limit is', () => {
    const reset = purpose({ perSubject: HOURLY, perClient: HOURLY });
    const limits = new Limits(new Map([[reset.name, reset]]), { perApp: HOURLY, service: HOURLY });
    const kinds = (guard: { windows: readonly { by: string }[] }): string[] => guard.windows.map(({ by }) => by);
    const guard = limits.forMint(reset, mailed, '192.0.2.1');
    expect(kinds(guard)).toEqual(['recipient', 'subject', 'client', 'app', 'service']);
    expect(guard.client).toBe(clientKey('192.0.2.1'));
    // Without an address there is nothing to count by; whose it is that asks for a resend is not known.
    expect(kinds(limits.forMint(reset, mailed))).toEqual(['recipient', 'subject', 'app', 'service']);
    expect(kinds(limits.forResend(reset, NOW))).toEqual(['recipient', 'subject', 'app', 'service']);
  });

  test('how far back: as far as the longest window of any purpose', () => {
    expect(limitsOf(purpose())[0].reach).toBe(3_600_000);
    const day = [{ window: 86_400, count: 9 }];
    expect(limitsOf(purpose(), purpose({ perSubject: [...HOURLY, ...day] }, 'magic-link'))[0].reach).toBe(86_400_000);
    expect(limitsOf(purpose({ perRecipient: [] }))[0].reach).toBe(0);
  });

  test('no shared limit stops a notification', () => {
    const notice = { ...purpose({}, 'notice'), kind: 'notification' } as never as NotificationPurpose;
    const limits = new Limits(new Map([['notice', notice]]), { perApp: HOURLY, service: HOURLY });
    expect(limits.forMint(notice, mailed).windows).toEqual([recipients]);
  });

  test('a mint of any purpose counts towards the clients of the one that limits them', () => {
    const [limits, reset] = limitsOf(purpose(), purpose({ perClient: HOURLY }, 'magic-link'));
    expect(limits.forMint(reset, mailed, '192.0.2.1')).toMatchObject({
      windows: [recipients],
      client: clientKey('192.0.2.1'),
    });
  });
});

test.each([
  ['the cool-down', { lastMail: NOW - 10_000, windows: [null] }, 20],
  ['a window, until the send that fills it leaves', { lastMail: null, windows: [NOW - 600_000] }, 3000],
  ['both, until the later one', { lastMail: NOW - 10_000, windows: [NOW - 3_590_000] }, 20],
  ['a cool-down, rounded up to the second', { lastMail: NOW - 28_999, windows: [null] }, 2],
  ['a window, rounded up to the second', { lastMail: null, windows: [NOW - 3_598_999] }, 2],
  ['what is over already', { lastMail: null, windows: [null] }, 1],
] as const)('Retry-After for %s', (_name, fillings, seconds) => {
  const [limits, reset] = limitsOf(purpose());
  expect(explainLimit(limits.forMint(reset, mailed), fillings).retryAfter).toBe(seconds);
});

describe('client addresses', () => {
  test.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['an IPv4 address in IPv6 clothes', '::ffff:192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['the same in hexadecimal', '::ffff:c000:201', '192.0.2.1', '::ffff:c000:202'],
    ['a /64', '2001:db8:0:1::1', '2001:db8::1:ffff:ffff:ffff:ffff', '2001:db8:0:2::1'],
    ['a /64, however it is written', '2001:0DB8:0000:0001:0:0:0:9', '2001:db8:0:1::', '2001:db8::1'],
    ['the loopback', '::1', '::2', '1::1'],
  ])('count as %s', (_name, one, same, other) => {
    expect(clientKey(one)).toBe(clientKey(same));
    expect(clientKey(one)).not.toBe(clientKey(other));
  });

  test.each(['', '192.0.2', '192.0.2.256', '192.0.2.1:80', 'fe80::1%eth0', '[::1]', '0x7f.1', 'example.com'])(
    '%j is none',
    (text) => expect(isClientAddress(text)).toBe(false),
  );
});
