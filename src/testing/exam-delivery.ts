import assert from 'node:assert/strict';
import { LinkIds } from '../links/link-ids.js';
import { NOW, sampleLink, mailed, asks, inserted, type ExamCase } from './exam-tools.js';

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
      assert.equal((await store.abandonOverdue(NOW + 1)).length, 3);
      for (const { id } of [revoked, used, old, late]) {
        assert.equal((await store.find('default', id))?.delivery.status, 'abandoned');
      }
      assert.equal(await store.nextDue(), null);
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
    },
  },
];
