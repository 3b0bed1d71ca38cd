import assert from 'node:assert/strict';
import { type Link } from '../links/link.js';
import type { Redemption } from '../links/link-store.js';
import { NOW, ids, sampleLink, asks, inserted, viewOf, type ExamCase } from './exam-tools.js';

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

/** Single use, and what it depends on, also when many redeem at once. */
export const redeemingCases: readonly ExamCase[] = [
  {
    name: 'redeems once, and gives the winner the link as it is now',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      const won = await store.redeem(asks(link, { redeemKey: 'k' }));
      const used = { ...link, redeemedAt: NOW + 1000, redeemKey: 'k' };
      assert.deepEqual(won && viewOf(won), viewOf(used));
      assert.equal(await store.redeem(asks(link)), undefined);
      assert.deepEqual(await store.find('default', link.id), used);
    },
  },
  {
    name: 'lets one of 100 concurrent redeemers win',
    run: async (store) => {
      // The first to come find a pool with one connection open, which serves them one after the other.
      for (let race = 0; race < 5; race++) {
        const link = await inserted(store, sampleLink());
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, n) => store.redeem(asks(link, { redeemKey: String(n) }))),
        );
        const winners = [...answers.keys()].filter((n) => answers[n] !== undefined);
        assert.equal(winners.length, 1);
        assert.equal((await store.find('default', link.id))?.redeemKey, String(winners[0]));
      }
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
  {
    name: 'answers each of many who redeem at once about the link that was asked for',
    run: async (store) => {
      const links: Link[] = [];
      for (let n = 0; n < 20; n++) links.push(await inserted(store, sampleLink({ decoy: n % 3 === 0 })));
      links.reverse();
      const won = await Promise.all(links.map((link) => store.redeem(asks(link))));
      assert.deepEqual(
        Array.from(won, (link) => link?.id),
        links.map(({ id, decoy }) => (decoy ? undefined : id)),
      );
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
    name: 'counts wrong one-time codes up to the limit, also when 40 are tried at once, and right ones never',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      const attempt = (right: boolean): Promise<boolean> =>
        store.tryCode('default', link.id, link.purpose, { right, most: 5 });
      for (let n = 0; n < 8; n++) assert.equal(await attempt(true), true);
      const answers = await Promise.all(Array.from({ length: 40 }, () => attempt(false)));
      assert.equal(answers.filter(Boolean).length, 5);
      assert.equal(await attempt(true), false);
      assert.equal((await store.find('default', link.id))?.codeAttempts, 5);
      assert.equal((await store.redeem(asks(link)))?.id, link.id);
    },
  },
  {
    name: 'tries one-time codes for a decoy or a used link as for any other, and not across apps or purposes',
    run: async (store) => {
      const decoy = await inserted(store, sampleLink({ decoy: true }));
      const used = await inserted(store, sampleLink());
      await store.redeem(asks(used));
      const wrong = { right: false, most: 1 };
      for (const { id, purpose } of [decoy, used]) {
        assert.equal(await store.tryCode('other', id, purpose, wrong), false);
        assert.equal(await store.tryCode('default', id, 'magic-link', wrong), false);
        assert.equal(await store.tryCode('default', id, purpose, wrong), true);
        assert.equal(await store.tryCode('default', id, purpose, wrong), false);
      }
      assert.equal(await store.tryCode('default', ids.next(), used.purpose, wrong), false);
    },
  },
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
    name: 'is superseded only by the same app, purpose and subject, and by no decoy; a decoy is by a newer one',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      const { subject } = link;
      const decoy = await inserted(store, sampleLink({ subject, decoy: true }));
      assert.deepEqual([await store.newerThan(link), await store.newerThan(decoy)], [undefined, undefined]);
      const second = await inserted(store, sampleLink({ subject, decoy: true }));
      assert.deepEqual([await store.newerThan(link), await store.newerThan(decoy)], [undefined, second.id]);
      assert.equal((await store.find('default', decoy.id))?.superseded, true);
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
];
