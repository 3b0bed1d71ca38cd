import assert from 'node:assert/strict';
import { LinkIds } from '../links/link-ids.js';
import { NO_LIMITS, NOW, sampleLink, mailed, asks, inserted, type ExamCase } from './exam-tools.js';

/** The outbox: leases, fences, deadlines. */
export const deliveryCases: readonly ExamCase[] = [
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
    name: 'answers each of many that settle at once about its own lease',
    run: async (store) => {
      for (let n = 0; n < 20; n++) await inserted(store, mailed());
      const claimed = await store.claimDue('a', NOW, NOW + 15_000, 20);
      const ids = Array.from(claimed, ({ id }) => id).sort();
      ids.reverse();
      const settled = await Promise.all(
        ids.map((id, n) => store.settle(id, n % 3 === 0 ? 'lost' : 'a', { status: 'sent', at: NOW })),
      );
      assert.deepEqual(
        settled,
        ids.map((_id, n) => n % 3 !== 0),
      );
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
      const ended = await store.claimDue('a', NOW + 1, NOW + 15_000, 9);
      assert.deepEqual(Array.from(ended, ({ id }) => id).sort(), [used.id, old.id, late.id].sort());
      for (const { id } of [revoked, used, old, late]) {
        const { delivery, expiresAt } = (await store.find('default', id))!;
        assert.deepEqual([delivery.status, delivery.attempts, delivery.lease, expiresAt], ['abandoned', 0, null, late.expiresAt]); // prettier-ignore
      }
      assert.equal(await store.nextDue(), null);
    },
  },
  {
    name: 'has decoys due like links, resent too, and takes them from the outbox as they are, but for a new life',
    run: async (store) => {
      const decoy = await inserted(store, mailed({ decoy: true, supersedes: false, delivery: { status: 'none' } }));
      for (const at of [NOW, NOW + 30_000]) {
        assert.equal(await store.nextDue(), at);
        const [taken] = await store.claimDue('a', at, at + 15_000, 5);
        assert.deepEqual([taken?.id, taken?.delivery.status, taken?.delivery.lease], [decoy.id, 'none', null]);
        assert.equal(await store.nextDue(), null);
        const { delivery, expiresAt } = (await store.find('default', decoy.id))!;
        assert.deepEqual([delivery.status, delivery.attempts, expiresAt], ['none', 0, decoy.expiresAt - NOW + at]);
        const next = NOW + 30_000;
        assert.equal(await store.requeue(decoy, NO_LIMITS, { now: next, deliverBy: next + 60_000 }), true);
      }
    },
  },
  {
    name: 'looks at the mails that have been due for longest, wanted or not, and at no more than it is asked to',
    run: async (store) => {
      const due = (ms: number, change = {}) =>
        inserted(store, mailed({ delivery: { dueAt: NOW + ms, deliverBy: NOW + 60_000, ...change } }));
      await due(3);
      const late = await due(1, { deliverBy: NOW + 4 });
      const wanted = await due(2);
      await due(5);
      const taken = await store.claimDue('a', NOW + 4, NOW + 15_000, 2);
      const fates = new Map(Array.from(taken, ({ id, delivery }) => [id, delivery.status]));
      assert.deepEqual([fates.size, fates.get(late.id), fates.get(wanted.id)], [2, 'abandoned', 'sending']);
      assert.equal((await store.claimDue('b', NOW + 4, NOW + 15_000, 2)).length, 1);
      assert.equal(await store.nextDue(), NOW + 5);
    },
  },
  {
    name: 'sends a link again once per cool-down, within the limits',
    run: async (store) => {
      const link = await inserted(store, mailed({ id: new LinkIds(() => NOW).next() }));
      await store.claimDue('a', NOW, NOW + 15_000, 5);
      await store.settle(link.id, 'a', { status: 'sent', at: NOW });
      const again = (now: number, count = 9): Promise<boolean> =>
        store.requeue(
          link,
          { quietSince: now - 29_999, windows: [{ by: 'recipient', since: NOW - 1000, count }] },
          { now, deliverBy: now + 60_000 },
        );
      assert.equal(await again(NOW + 29_999), false);
      assert.equal(await again(NOW + 30_000, 1), false);
      const both = await Promise.all([again(NOW + 30_000), again(NOW + 30_000)]);
      assert.deepEqual(both.filter(Boolean).length, 1);
      assert.equal((await store.claimDue('b', NOW + 30_000, NOW + 45_000, 5))[0]!.delivery.resends, 1);
      // Not in time to be sent again, it stays what it is.
      const [over] = await store.claimDue('c', NOW + 90_000, NOW + 99_000, 5);
      assert.deepEqual([over?.delivery.status, over?.delivery.dueAt], ['sent', null]);
    },
  },
];
