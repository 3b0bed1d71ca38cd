import { LinkIds } from '../../src/links/link-ids.js';
import { Links } from '../../src/links/links.service.js';
import type { LinkStore } from '../../src/links/link-store.js';
import { APP, openDomain, purposeOf, refusalOf, START, storeWith, type Domain } from '../support/domain.js';

const DAY = 86_400_000;

let domain: Domain;
beforeAll(async () => void (domain = await openDomain(purposeOf('supersede'), purposeOf('keep', { reissue: 'keep' }))));
afterAll(() => domain.close());
beforeEach(() => domain.reset());

/** Another instance on the same store, whose clock is its own. */
function instance(clock: () => number, store: LinkStore = domain.store): Links {
  const { tokens, purposes, limits } = domain;
  return new Links(store, tokens, purposes, limits, new LinkIds(clock), 'https://links.example.com', clock);
}
const ann = { purpose: 'supersede', recipient: 'ann@example.com', subject: 'ann', fingerprint: 'v1' };

test("after one instance's clock was ahead, the newest link of another one is the newest", async () => {
  let ahead = 3_600_000;
  const once = instance(() => START + ahead);
  const other = instance(() => START);
  await once.mint(APP, ann);
  ahead = 0;
  const older = await once.mint(APP, ann);
  const newer = await other.mint(APP, { ...ann, delivery: 'return' });
  expect((await domain.store.find('shop', older.link.id))?.superseded).toBe(true);
  expect((await domain.store.find('shop', newer.link.id))?.superseded).toBe(false);
  const redeemed = await other.redeem(APP, { token: newer.token!, purpose: 'supersede', fingerprint: 'v1' });
  expect(redeemed.link.id).toBe(newer.link.id);
  // And from then on it does not have to be told.
  let asked = 0;
  const counting = storeWith(domain.store, {
    newerThan: (link) => ((asked += 1), domain.store.newerThan(link)),
  });
  const third = instance(() => START, counting);
  for (let n = 0; n < 3; n++) await third.mint(APP, ann);
  expect(asked).toBe(1);
});

test('links that end none of each other keep their own order', async () => {
  await instance(() => START + DAY).mint(APP, { ...ann, purpose: 'keep', fingerprint: undefined });
  const { link } = await instance(() => START).mint(APP, { ...ann, purpose: 'keep', fingerprint: undefined });
  expect(link.id < LinkIds.floor(START + 1)).toBe(true);
});

test('whose every turn is taken by a newer one is not kept waiting for ever', async () => {
  const never = storeWith(domain.store, {
    insert: () => Promise.resolve(false),
    newerThan: () => Promise.resolve('~'),
  });
  expect(await refusalOf(instance(() => START, never).mint(APP, ann))).toBe('unavailable');
});

test('a key that somebody else freed in the meantime is no limit', async () => {
  const body = { purpose: 'keep', recipient: 'bob@example.com', subject: 'bob' };
  const old = await instance(() => START).mint(APP, body, 'key');
  const now = START + DAY + 1;
  const looked: string[] = [];
  const behind = storeWith(domain.store, {
    // Between its insert and its look, another one with the same key has freed it.
    findByIdempotencyKey: async (app, key) => {
      looked.push(key);
      if (looked.length === 1) await domain.store.releaseIdempotencyKey(app, key, now);
      return domain.store.findByIdempotencyKey(app, key);
    },
  });
  const { link, replayed } = await instance(() => now, behind).mint(APP, body, 'key');
  expect([link.id === old.link.id, replayed, looked.length]).toEqual([false, false, 1]);
});
