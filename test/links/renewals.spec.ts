import {
  LinkExpired,
  LinkRedeemed,
  LinkRevoked,
  LinkSuperseded,
  RateLimited,
  Unavailable,
} from '../../src/links/errors.js';
import type { Link } from '../../src/links/link.js';
import type { LinkStore } from '../../src/links/link-store.js';
import { clientKey } from '../../src/links/recipient.js';
import { Renewals } from '../../src/links/renewals.js';
import { APP, openDomain, purposeOf, refusalOf, START, storeWith, type Domain } from '../support/domain.js';

let domain: Domain;
let renewals: Renewals;
const HOURLY = [{ window: 3600, count: 2 }];
const on = (store: LinkStore) =>
  new Renewals(
    store,
    domain.tokens,
    domain.purposes,
    domain.limits,
    domain.ids,
    domain.clock.now,
    domain.linksOn(store),
    domain.onQueued,
  );
beforeAll(async () => {
  domain = await openDomain(
    purposeOf('magic-link'),
    purposeOf('final', { renew: false }),
    purposeOf('limited', { limits: { cooldown: 0, perRecipient: [], perSubject: [], perClient: HOURLY } }),
  );
});
beforeEach(async () => {
  await domain.reset();
  renewals = on(domain.store);
});
afterAll(() => domain.close());

const rowOf = async (id: string) => (await domain.store.find('shop', id))!;
const of = async (subject: string): Promise<readonly Link[]> =>
  (await domain.store.list('shop', { subject }, { limit: 10 }, domain.clock.time)).items;
/** A link whose mail left, and whose life is over. */
async function ranOut(purpose = 'magic-link', change: object = {}): Promise<{ link: Link; token: string }> {
  const { link } = await domain.mint(purpose, { expiresIn: 60, ...change });
  await domain.store.claimDue('lease', domain.clock.time, domain.clock.time + 1000, 10);
  await domain.store.settle(link.id, 'lease', { status: 'sent', at: domain.clock.time });
  const row = await rowOf(link.id);
  domain.clock.advance(60);
  return { link: row, token: domain.tokens.mintLink(row) };
}

test('sends a new link to where the old one went', async () => {
  const { link, token } = await ranOut();
  expect(await renewals.renew(token, link.id, '192.0.2.1')).toEqual({ link, isGood: false });
  const [fresh, old, ...others] = await of(link.subject);
  expect([old!.id, others]).toEqual([link.id, []]);
  expect(fresh).toMatchObject({
    recipient: link.recipient,
    renews: link.id,
    createdAt: START + 60_000,
    delivery: { status: 'queued', dueAt: START + 60_000, deliverBy: START + 180_000 },
  });
  expect(domain.queued()).toBe(2);
});

test('sends the newest once more, while that is good', async () => {
  const { link, token } = await ranOut();
  const { link: newer } = await domain.mint('magic-link', { subject: link.subject, recipient: link.recipient });
  await renewals.renew(token, link.id, '192.0.2.1');
  expect((await of(link.subject)).map(({ id, delivery }) => [id, delivery.resends])).toEqual([
    [newer.id, 1],
    [link.id, 0],
  ]);
});

test.each([
  ['returned', { delivery: 'return' }],
  ['mailed elsewhere', {}],
])('neither repeats nor replaces what was %s since', async (_how, change) => {
  const { link, token } = await ranOut();
  const recipient = 'delivery' in change ? link.recipient : 'new@example.com';
  await domain.mint('magic-link', { subject: link.subject, recipient, ...change });
  expect(await renewals.renew(token, link.id, '192.0.2.1')).toEqual({ link: await rowOf(link.id), isGood: false });
  expect((await of(link.subject)).map(({ delivery }) => delivery.resends)).toEqual([0, 0]);
});

test('looks at active links of this purpose and subject only', async () => {
  const { link, token } = await ranOut();
  await domain.mint('limited', { subject: link.subject, recipient: link.recipient });
  await domain.mint('magic-link', { recipient: link.recipient });
  const revoked = await domain.mint('magic-link', { subject: link.subject, recipient: link.recipient });
  await domain.links.revoke({ id: 'shop', name: 'Shop', redirectUris: [] }, revoked.link.id);
  await renewals.renew(token, link.id, '192.0.2.1');
  expect((await of(link.subject))[0]).toMatchObject({ purpose: 'magic-link', renews: link.id });
});

test.each([
  ['by its id', ({ id }: Link) => domain.links.revoke(APP, id)],
  ['by its subject', ({ subject }: Link) => domain.links.revokeAll(APP, { subject })],
  ['by its recipient', ({ recipient }: Link) => domain.links.revokeAll(APP, { recipient })],
])('is refused for a link that was withdrawn after its end, %s; it stays what it was', async (_how, withdraw) => {
  const { link, token } = await ranOut();
  await withdraw(link);
  expect((await rowOf(link.id)).revokedAt).toBeNull();
  await expect(renewals.renew(token, link.id, '192.0.2.1')).rejects.toBeInstanceOf(LinkExpired);
  expect(await of(link.subject)).toHaveLength(1);
});

test('is refused for a superseded link of a subject whose links were withdrawn', async () => {
  const { link, token } = await ranOut();
  await domain.mint('magic-link', { subject: link.subject, recipient: 'new@example.com' });
  expect(await domain.links.revokeAll(APP, { subject: link.subject })).toBe(1);
  await expect(renewals.renew(token, link.id, '192.0.2.1')).rejects.toBeInstanceOf(LinkSuperseded);
  expect(await of(link.subject)).toHaveLength(2);
});

test('has nothing to do for a link that is good', async () => {
  const { link } = await domain.mint('magic-link');
  const token = domain.tokens.mintLink(link);
  expect(await renewals.renew(token, link.id, '192.0.2.1')).toEqual({ link, isGood: true });
  expect(await of(link.subject)).toHaveLength(1);
});

test('is refused for what did not run out, and for the page of another link', async () => {
  const { link, token } = await ranOut('final');
  await expect(renewals.renew(token, link.id, '192.0.2.1')).rejects.toMatchObject({ code: 'link_expired', link });
  expect(await refusalOf(renewals.renew(token, domain.ids.next(), '192.0.2.1'))).toBe('token_invalid');
  expect(await of(link.subject)).toHaveLength(1);
});

test('counts whoever presses, and does not tell that a limit held it back', async () => {
  const { link, token } = await ranOut('limited');
  const guards: unknown[] = [];
  const listening = on(
    storeWith(domain.store, {
      insert: (row, guard) => {
        guards.push(guard);
        return Promise.resolve(false);
      },
      fillings: () => Promise.resolve({ lastMail: null, windows: [] }),
    }),
  );
  expect((await listening.renew(token, link.id, '192.0.2.1')).isGood).toBe(false);
  expect(guards).toEqual([expect.objectContaining({ client: clientKey('192.0.2.1') })]);
  expect(domain.queued()).toBe(1);
});

test('does not queue what nobody will send', async () => {
  const { link, token } = await ranOut();
  await on(storeWith(domain.store, { insert: () => Promise.resolve('suppressed') })).renew(token, link.id, '192.0.2.1');
  expect(domain.queued()).toBe(1);
});

test.each([
  ['is told', new Unavailable(), 'unavailable'],
  ['is told', new Error('a fault'), 'a fault'],
  ['is not', new RateLimited(5), undefined],
])('that it failed %s (%#)', async (_told, error, expected) => {
  const { link, token } = await ranOut();
  const failing = on(storeWith(domain.store, { insert: () => Promise.reject(error) }));
  const answer = failing.renew(token, link.id, '192.0.2.1').then(
    () => undefined,
    (thrown: Error & { code?: string }) => thrown.code ?? thrown.message,
  );
  expect(await answer).toBe(expected);
});

describe('is offered', () => {
  test.each([
    [true, new LinkExpired(), {}, 'magic-link'],
    [true, new LinkSuperseded(), {}, 'magic-link'],
    [false, new LinkRedeemed(), {}, 'magic-link'],
    [false, new LinkRevoked(), {}, 'magic-link'],
    [false, undefined, {}, 'magic-link'],
    [false, new LinkExpired(), { via: 'return' as const }, 'magic-link'],
    [false, new LinkExpired(), { recipient: null }, 'magic-link'],
    [false, new LinkExpired(), {}, 'final'],
  ])('%s (%#)', async (offered, refusal, change, purpose) => {
    const { link } = await domain.mint(purpose);
    expect(renewals.isOffered(refusal, { ...link, ...change })).toBe(offered);
  });
});
