import assert from 'node:assert/strict';
import { asks, inserted, mailed, NOW, sampleLink, type ExamCase } from './exam-tools.js';

const notification = (change: Parameters<typeof mailed>[0] = {}) =>
  mailed({ kind: 'notification', purpose: 'password-changed', supersedes: false, ...change });

/** Mails without a link share the outbox with links, and nothing else. */
export const notificationCases: readonly ExamCase[] = [
  {
    name: 'never redeems a notification, nor lists or revokes it among links',
    run: async (store) => {
      const row = await inserted(store, notification({ subject: 'user' }));
      assert.deepEqual(await store.find('default', row.id), row);
      assert.equal(await store.redeem(asks(row)), undefined);
      assert.equal((await store.list('default', { subject: 'user' }, { limit: 10 }, NOW)).items.length, 0);
      assert.equal(await store.revoke('default', { subject: 'user' }, NOW), 0);
      assert.equal(await store.revoke('default', { id: row.id }, NOW), 0);
      assert.deepEqual(await store.find('default', row.id), row);
    },
  },
  {
    name: 'mails a notification like a link, however many there are of one purpose and subject',
    run: async (store) => {
      const first = await inserted(store, notification({ subject: 'user' }));
      const second = await inserted(store, notification({ subject: 'user' }));
      const claimed = await store.claimDue('a', NOW, NOW + 15_000, 5);
      assert.deepEqual(Array.from(claimed, ({ id }) => id).sort(), [first.id, second.id]);
      assert.equal(await store.settle(first.id, 'a', { status: 'sent', at: NOW }), true);
      assert.equal((await store.find('default', first.id))?.delivery.status, 'sent');
    },
  },
  {
    name: 'counts notifications and links to one recipient apart',
    run: async (store) => {
      const recipient = 'ann@example.com';
      const window = { by: 'recipient', since: NOW - 3_600_000, count: 1 } as const;
      const guard = { quietSince: null, windows: [window] };
      assert.equal(await store.insert(sampleLink({ recipient }), guard), true);
      assert.equal(await store.insert(sampleLink({ recipient }), guard), false);
      assert.equal(await store.insert(notification({ recipient }), guard), true);
      assert.equal(await store.insert(notification({ recipient }), guard), false);
    },
  },
];
