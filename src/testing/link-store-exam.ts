import assert from 'node:assert/strict';
import { recipientKey } from '../links/recipient.js';
import { statusOf, type Delivery, type Link } from '../links/link.js';
import { LinkIds } from '../links/link-ids.js';
import type { LinkStore, MintGuard, Redemption } from '../links/link-store.js';

/** One question of the exam. It gets an empty store and rejects if the store fails. */
export interface ExamCase {
  readonly name: string;
  readonly run: (store: LinkStore) => Promise<void>;
}

const NOW = 1_800_000_000_000;
const NO_LIMITS: MintGuard = { quietSince: null, windows: [] };
const ids = new LinkIds(() => NOW);

/** A redeemable link for a person of its own, minted at a fixed time. */
export function sampleLink(change: Partial<Omit<Link, 'delivery'>> & { delivery?: Partial<Delivery> } = {}): Link {
  const id = change.id ?? ids.next();
  const recipient = change.recipient ?? `person-${id}@example.com`;
  const { delivery, ...rest } = change;
  return {
    id,
    app: 'default',
    purpose: 'password-reset',
    subject: `user-${id}`,
    recipient,
    recipientKey: recipientKey(recipient),
    locale: 'en',
    via: 'return',
    decoy: false,
    supersedes: true,
    data: { plan: 'pro', note: 'Grüße "quoted" \\ and \u2028' },
    templateData: { name: 'Ann' },
    redirectUri: null,
    fingerprint: null,
    codeChallenge: null,
    idempotencyKey: null,
    requestDigest: null,
    createdAt: NOW,
    expiresIn: 600,
    issuedAt: NOW,
    expiresAt: NOW + 600_000,
    redeemedAt: null,
    redeemKey: null,
    revokedAt: null,
    openedAt: null,
    superseded: false,
    ...rest,
    delivery: {
      status: 'none',
      attempts: 0,
      dueAt: null,
      deliverBy: null,
      lease: null,
      sentAt: null,
      lastError: null,
      resends: 0,
      ...delivery,
    },
  };
}

const mailed = (change: Parameters<typeof sampleLink>[0] = {}): Link =>
  sampleLink({
    via: 'email',
    ...change,
    delivery: { status: 'queued', dueAt: NOW, deliverBy: NOW + 600_000, ...change.delivery },
  });

const asks = (link: Link, change: Partial<Redemption> = {}): Redemption => ({
  id: link.id,
  app: link.app,
  purpose: link.purpose,
  fingerprint: null,
  challenge: null,
  challengeRequired: false,
  redeemKey: null,
  now: NOW + 1000,
  ...change,
});

async function inserted(store: LinkStore, link: Link): Promise<Link> {
  assert.equal(await store.insert(link, NO_LIMITS), true, 'a mint without limits must be inserted');
  return link;
}

/** A redemption that must fail, and must leave the link to be redeemed properly. */
function refused(
  name: string,
  link: () => Link,
  change: Partial<Redemption>,
  proper: Partial<Redemption> = {},
): ExamCase {
  return {
    name: `redeem refuses ${name}, and the link stays good`,
    run: async (store) => {
      const good = await inserted(store, link());
      assert.equal(await store.redeem(asks(good, change)), undefined);
      const won = await store.redeem(asks(good, proper));
      assert.equal(won?.id, good.id);
    },
  };
}

/** What every `LinkStore` must do, concurrency included. Run each case on an empty store. */
export const linkStoreExam: readonly ExamCase[] = [
  {
    name: 'gives back what was inserted, to the byte',
    run: async (store) => {
      const link = await inserted(
        store,
        mailed({ fingerprint: 'f', codeChallenge: 'c', redirectUri: 'https://app.example/x?y=z' }),
      );
      assert.deepEqual(await store.find('default', link.id), link);
      assert.equal(await store.find('other', link.id), undefined);
      assert.equal(await store.find('default', ids.next()), undefined);
    },
  },
  {
    name: 'redeems once, and gives the winner the link as it is now',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      const won = await store.redeem(asks(link, { redeemKey: 'k' }));
      assert.deepEqual(won, { ...link, redeemedAt: NOW + 1000, redeemKey: 'k' });
      assert.equal(await store.redeem(asks(link)), undefined);
      assert.deepEqual(await store.find('default', link.id), won);
    },
  },
  {
    name: 'lets one of 100 concurrent redeemers win',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) => store.redeem(asks(link, { redeemKey: String(n) }))),
      );
      const winners = answers.filter((answer) => answer !== undefined);
      assert.equal(winners.length, 1);
      assert.equal((await store.find('default', link.id))?.redeemKey, winners[0]!.redeemKey);
    },
  },
  {
    name: 'lets one of 12 racers win each of 200 links',
    run: async (store) => {
      const links = await Promise.all(Array.from({ length: 200 }, () => inserted(store, sampleLink())));
      const races = Array.from({ length: 12 }).flatMap(() => links.map((link) => store.redeem(asks(link))));
      const wins = (await Promise.all(races)).filter((answer) => answer !== undefined).map(({ id }) => id);
      assert.deepEqual(wins.sort(), links.map(({ id }) => id).sort());
    },
  },
  refused('another app', sampleLink, { app: 'other' }),
  refused('another purpose', sampleLink, { purpose: 'magic-link' }),
  refused(
    'another fingerprint',
    () => sampleLink({ fingerprint: 'right' }),
    { fingerprint: 'wrong' },
    { fingerprint: 'right' },
  ),
  refused('a missing fingerprint', () => sampleLink({ fingerprint: 'right' }), {}, { fingerprint: 'right' }),
  refused(
    'a wrong verifier',
    () => sampleLink({ codeChallenge: 'right' }),
    { challenge: 'wrong' },
    { challenge: 'right' },
  ),
  refused(
    'a missing verifier where one is required',
    () => sampleLink({ codeChallenge: 'c' }),
    { challengeRequired: true },
    { challenge: 'c' },
  ),
  refused('the moment of expiry', sampleLink, { now: NOW + 600_000 }, { now: NOW + 599_999 }),
  {
    name: 'redeems without a verifier where none is required',
    run: async (store) => {
      const link = await inserted(store, sampleLink({ codeChallenge: 'c' }));
      assert.equal((await store.redeem(asks(link)))?.id, link.id);
    },
  },
  {
    name: 'never redeems a decoy, a revoked or a superseded link',
    run: async (store) => {
      const decoy = await inserted(store, sampleLink({ decoy: true }));
      const revoked = await inserted(store, sampleLink());
      assert.equal(await store.revoke('default', { id: revoked.id }, NOW), 1);
      const old = await inserted(store, sampleLink());
      const newer = await inserted(store, sampleLink({ subject: old.subject }));
      for (const link of [decoy, revoked, old]) assert.equal(await store.redeem(asks(link)), undefined);
      assert.equal((await store.find('default', old.id))?.superseded, true);
      assert.equal((await store.redeem(asks(newer)))?.id, newer.id);
    },
  },
  {
    name: 'is superseded only by the same app, purpose and subject, and by no decoy',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      const { subject } = link;
      await inserted(store, sampleLink({ subject, purpose: 'magic-link' }));
      await inserted(store, sampleLink({ subject, app: 'other' }));
      await inserted(store, sampleLink({ subject, supersedes: false }));
      await inserted(store, sampleLink());
      assert.equal((await store.redeem(asks(link)))?.id, link.id);
    },
  },
  {
    name: 'lets either a revocation or a redemption win, never both',
    run: async (store) => {
      for (let round = 0; round < 30; round++) {
        const link = await inserted(store, sampleLink());
        const [won, revoked] = await Promise.all([
          store.redeem(asks(link)),
          store.revoke('default', { id: link.id }, NOW),
        ]);
        assert.equal(Number(won !== undefined) + revoked, 1);
      }
    },
  },
  {
    name: 'counts mints to one recipient across purposes, subjects and decoys, but not across apps',
    run: async (store) => {
      const recipient = 'ann@example.com';
      const guard: MintGuard = { quietSince: null, windows: [{ from: LinkIds.floor(NOW - 3_600_000), count: 3 }] };
      const mint = (change: Partial<Link>): Promise<boolean> =>
        store.insert(sampleLink({ recipient, ...change }), guard);
      assert.equal(await mint({}), true);
      assert.equal(await mint({ purpose: 'magic-link' }), true);
      assert.equal(await mint({ decoy: true }), true);
      assert.equal(await mint({}), false);
      assert.equal(await mint({ app: 'other' }), true);
    },
  },
  {
    name: 'gives the last permit to one of 20 concurrent mints',
    run: async (store) => {
      const guard: MintGuard = { quietSince: null, windows: [{ from: LinkIds.floor(NOW - 1000), count: 5 }] };
      const mints = Array.from({ length: 20 }, (_, n) =>
        store.insert(sampleLink({ recipient: 'ann@example.com', idempotencyKey: n % 2 ? `key-${n}` : null }), guard),
      );
      assert.equal((await Promise.all(mints)).filter(Boolean).length, 5);
    },
  },
  {
    name: 'keeps the cool-down between mails of one purpose only',
    run: async (store) => {
      const guard: MintGuard = { quietSince: LinkIds.floor(NOW - 30_000), windows: [] };
      const recipient = 'ann@example.com';
      assert.equal(await store.insert(mailed({ recipient }), guard), true);
      assert.equal(await store.insert(mailed({ recipient }), guard), false);
      assert.equal(await store.insert(mailed({ recipient, purpose: 'magic-link' }), guard), true);
      assert.equal(await store.insert(mailed({ recipient }), NO_LIMITS), true);
      assert.equal((await store.mintsSince('default', recipientKey(recipient), LinkIds.floor(NOW - 1000))).length, 3);
    },
  },
  {
    name: 'takes an idempotency key once per app, and again after it was released',
    run: async (store) => {
      const mint = (app = 'default'): Promise<boolean> =>
        store.insert(sampleLink({ app, idempotencyKey: 'key', requestDigest: 'd' }), NO_LIMITS);
      const [first, ...others] = await Promise.all([mint(), mint(), mint(), mint()]);
      assert.equal([first, ...others].filter(Boolean).length, 1);
      assert.equal(await mint('other'), true);
      assert.equal((await store.findByIdempotencyKey('default', 'key'))?.requestDigest, 'd');
      await store.releaseIdempotencyKey('default', 'key', NOW - 1);
      assert.equal(await mint(), false);
      await store.releaseIdempotencyKey('default', 'key', NOW);
      assert.equal(await mint(), true);
    },
  },
  {
    name: 'does not let one bad row fail the mints beside it',
    run: async (store) => {
      const bad = { ...sampleLink(), subject: null as never };
      const [refusal, ...good] = await Promise.allSettled(
        [bad, sampleLink(), sampleLink()].map((link) => store.insert(link, NO_LIMITS)),
      );
      assert.equal(refusal!.status, 'rejected');
      assert.deepEqual(good, [
        { status: 'fulfilled', value: true },
        { status: 'fulfilled', value: true },
      ]);
    },
  },
  {
    name: 'lists newest first, filtered and page by page',
    run: async (store) => {
      const all: string[] = [];
      for (let n = 0; n < 5; n++)
        all.unshift((await inserted(store, sampleLink({ subject: 'user', supersedes: false }))).id);
      await inserted(store, sampleLink());
      await store.redeem(asks(sampleLink({ id: all[0]! })));
      await store.revoke('default', { id: all[1]! }, NOW);
      const list = async (
        filter: object,
        page = { limit: 10 } as { limit: number; after?: string },
        now = NOW,
      ): Promise<string[]> =>
        Array.from(await store.list('default', { subject: 'user', ...filter }, page, now), ({ id }) => id);
      assert.deepEqual(await list({}), all);
      assert.deepEqual(await list({}, { limit: 2 }), all.slice(0, 2));
      assert.deepEqual(await list({}, { limit: 2, after: all[1]! }), all.slice(2, 4));
      assert.deepEqual(await list({ status: 'redeemed' }), [all[0]]);
      assert.deepEqual(await list({ status: 'revoked' }), [all[1]]);
      assert.deepEqual(await list({ status: 'active' }), all.slice(2));
      assert.deepEqual(await list({ status: 'expired' }), []);
      assert.deepEqual(await list({ status: 'expired' }, { limit: 10 }, NOW + 700_000), all.slice(2));
      assert.deepEqual(await list({ purpose: 'magic-link' }), []);
      assert.equal((await store.list('other', {}, { limit: 10 }, NOW)).length, 0);
    },
  },
  {
    name: 'has a word for every status that agrees with the value',
    run: async (store) => {
      const old = await inserted(store, sampleLink());
      await inserted(store, sampleLink({ subject: old.subject }));
      await inserted(store, mailed({ delivery: { dueAt: NOW + 9_000_000, deliverBy: NOW + 9_999_999 } }));
      const later = NOW + 700_000;
      for (const status of ['active', 'superseded', 'expired'] as const) {
        for (const link of await store.list('default', { status }, { limit: 10 }, later))
          assert.equal(statusOf(link, later), status);
      }
      assert.equal((await store.list('default', { status: 'active' }, { limit: 10 }, later)).length, 1);
      assert.equal((await store.list('default', { status: 'superseded' }, { limit: 10 }, later)).length, 1);
    },
  },
  {
    name: 'claims a due mail for one of many couriers, begins its life anew, and fences what settles late',
    run: async (store) => {
      const link = await inserted(store, mailed());
      const at = NOW + 5_000;
      const claims = await Promise.all(['a', 'b', 'c', 'd'].map((lease) => store.claimDue(lease, at, at + 15_000, 5)));
      const [claimed] = claims.flat();
      assert.equal(claims.flat().length, 1);
      assert.equal(claimed!.delivery.status, 'sending');
      assert.equal(claimed!.delivery.attempts, 1);
      assert.equal(claimed!.expiresAt, NOW + 605_000);
      // Its courier hangs; another takes over when the lease has run out.
      assert.equal((await store.claimDue('late', at + 14_999, at + 30_000, 5)).length, 0);
      assert.equal((await store.claimDue('next', at + 15_000, at + 30_000, 5)).length, 1);
      assert.equal(await store.settle(link.id, claimed!.delivery.lease!, { status: 'failed', error: 'x' }), false);
      assert.equal(await store.renewLease(link.id, claimed!.delivery.lease!, at + 99_000), false);
      assert.equal(await store.settle(link.id, 'next', { status: 'sent', at: at + 16_000 }), true);
      const settled = await store.find('default', link.id);
      assert.deepEqual(
        [settled?.delivery.status, settled?.delivery.dueAt, settled?.delivery.sentAt],
        ['sent', null, at + 16_000],
      );
      assert.equal(await store.nextDue(), null);
    },
  },
  {
    name: 'never shortens a life, and delays what the relay asked to delay',
    run: async (store) => {
      const link = await inserted(store, mailed({ expiresAt: NOW + 9_000_000 }));
      const [claimed] = await store.claimDue('a', NOW, NOW + 15_000, 5);
      assert.equal(claimed!.expiresAt, NOW + 9_000_000);
      await store.settle(link.id, 'a', { status: 'queued', dueAt: NOW + 20_000, error: '451' });
      assert.equal(await store.nextDue(), NOW + 20_000);
      assert.equal((await store.claimDue('b', NOW + 19_999, NOW + 99_000, 5)).length, 0);
      assert.equal((await store.claimDue('b', NOW + 20_000, NOW + 99_000, 5))[0]!.delivery.attempts, 2);
    },
  },
  {
    name: 'mails no link that was revoked, used or superseded, and gives up at the deadline',
    run: async (store) => {
      const revoked = await inserted(store, mailed());
      await store.revoke('default', { id: revoked.id }, NOW);
      const used = await inserted(store, mailed());
      await store.redeem(asks(used));
      const old = await inserted(store, mailed());
      await inserted(store, sampleLink({ subject: old.subject }));
      const late = await inserted(store, mailed({ delivery: { deliverBy: NOW + 1 } }));
      assert.equal((await store.claimDue('a', NOW + 1, NOW + 15_000, 9)).length, 0);
      assert.equal(await store.abandonOverdue(NOW + 1), 3);
      for (const { id } of [revoked, used, old, late]) {
        assert.equal((await store.find('default', id))?.delivery.status, 'abandoned');
      }
      assert.equal(await store.nextDue(), null);
    },
  },
  {
    name: 'sends a link again once per cool-down, within the limits',
    run: async (store) => {
      const link = await inserted(store, mailed());
      await store.claimDue('a', NOW, NOW + 15_000, 5);
      await store.settle(link.id, 'a', { status: 'sent', at: NOW });
      const again = (now: number, count = 9): Promise<boolean> =>
        store.requeue('default', link.id, now, { quietSince: now - 30_000, deliverBy: now + 60_000 }, [
          { from: LinkIds.floor(NOW - 1000), count },
        ]);
      assert.equal(await again(NOW + 29_999), false);
      assert.equal(await again(NOW + 30_000, 1), false);
      const both = await Promise.all([again(NOW + 30_000), again(NOW + 30_000)]);
      assert.deepEqual(both.filter(Boolean).length, 1);
      assert.equal((await store.claimDue('b', NOW + 30_000, NOW + 45_000, 5))[0]!.delivery.resends, 1);
    },
  },
  {
    name: 'notes the first opening only',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      await store.markOpened(link.id, NOW + 1);
      await store.markOpened(link.id, NOW + 2);
      assert.equal((await store.find('default', link.id))?.openedAt, NOW + 1);
    },
  },
  {
    name: 'sweeps: forgets personal data, then the link, but not what keeps an older one superseded',
    run: async (store) => {
      const DAY = 86_400_000;
      const early = new LinkIds(() => NOW - 40 * DAY);
      const old = (change: Partial<Link>): Promise<Link> =>
        inserted(store, sampleLink({ id: early.next(), expiresAt: NOW - 39 * DAY, ...change }));
      const gone = await old({});
      const ended = await old({ expiresAt: NOW - 2 * DAY });
      const living = await old({ expiresAt: NOW + 1000 });
      const guard = await old({ subject: living.subject });
      const young = await inserted(store, sampleLink());
      const sweepAll = async (now: number): Promise<void> => {
        const times = { wipeBefore: now - DAY, deleteBefore: now - 30 * DAY, now };
        for (let after: string | null = ''; after !== null;) after = await store.sweep(after, times, 2);
      };
      await sweepAll(NOW);
      assert.equal(await store.find('default', gone.id), undefined);
      const wiped = await store.find('default', ended.id);
      assert.deepEqual([wiped?.recipient, wiped?.data, wiped?.templateData], [null, {}, {}]);
      assert.equal(wiped?.subject, ended.subject);
      assert.equal((await store.find('default', living.id))?.superseded, true);
      assert.equal((await store.find('default', living.id))?.recipient, living.recipient);
      assert.deepEqual(await store.find('default', young.id), young);
      await sweepAll(NOW + 2000);
      assert.equal(await store.find('default', guard.id), undefined);
      assert.equal(await store.newestId(), young.id);
    },
  },
];
