import assert from 'node:assert/strict';
import type { Link } from '../links/link.js';
import type { LinkStore } from '../links/link-store.js';
import { EVERY_PURPOSE, type MessageStore, type Suppression } from '../links/message-store.js';
import { addressKey, recipientKey } from '../links/recipient.js';
import { NOW, NO_LIMITS, asks, inserted, mailed, sampleLink } from './exam-tools.js';

/** One question of the exam of a `MessageStore` and the `LinkStore` beside it, both empty. */
export interface MessageExamCase {
  readonly name: string;
  readonly run: (messages: MessageStore, links: LinkStore) => Promise<void>;
}

const suppression = (recipient: string, change: Partial<Suppression> = {}): Suppression => ({
  app: 'default',
  recipientKey: addressKey(recipient) ?? recipientKey(recipient),
  purpose: EVERY_PURPOSE,
  recipient,
  reason: 'refused',
  createdAt: NOW,
  until: null,
  ...change,
});
const keysOf = (recipient: string) => [recipientKey(recipient), addressKey(recipient)];

/** Mints a mail and lets its one attempt come to nothing. */
async function failed(links: LinkStore, change: Parameters<typeof mailed>[0] = {}): Promise<Link> {
  const link = await inserted(links, mailed(change));
  await links.claimDue(`lease ${link.id}`, NOW, NOW + 15_000, 9);
  await links.settle(link.id, `lease ${link.id}`, { status: 'failed', error: '550' });
  return link;
}

/** What every `MessageStore` must do. */
export const messageStoreExam: readonly MessageExamCase[] = [
  {
    name: 'shows mailed links as messages, newest first, with their tries; no decoys, nothing returned',
    run: async (messages, links) => {
      const recipient = 'ann@example.com';
      const log = [{ at: NOW, relay: 'relay:25', outcome: 'refused', reply: '550 no "such" mailbox ✗' }] as const;
      const first = await inserted(links, mailed({ recipient, supersedes: false }));
      await links.claimDue('a', NOW, NOW + 15_000, 9);
      await links.settle(first.id, 'a', { status: 'failed', error: '550' }, log);
      const second = await inserted(links, mailed({ recipient: 'ann+tag@example.com', supersedes: false }));
      await inserted(links, mailed({ recipient, decoy: true, delivery: { status: 'none' } }));
      await inserted(links, sampleLink({ recipient }));
      const list = async (filter: Parameters<MessageStore['list']>[1], page = { limit: 9 }): Promise<string[]> =>
        Array.from((await messages.list('default', filter, page)).items, ({ id }) => id);
      assert.deepEqual((await messages.find('default', first.id))?.log, log);
      assert.equal(await messages.find('other', first.id), undefined);
      assert.deepEqual(await list({}), [second.id, first.id]);
      assert.deepEqual(await list({}, { limit: 1 }), [second.id]);
      assert.deepEqual((await messages.list('default', {}, { limit: 9, after: second.id })).items.length, 1);
      assert.deepEqual(await list({ status: 'failed' }), [first.id]);
      assert.deepEqual(await list({ status: 'queued' }), [second.id]);
      assert.deepEqual(await list({ status: 'sent' }), []);
      assert.deepEqual(await list({ recipients: [{ key: recipientKey(recipient), addressKey: null }] }), [first.id]);
      const [key, tagged] = keysOf('ann+tag@example.com');
      assert.deepEqual(await list({ recipients: [{ key: key!, addressKey: tagged! }] }), [second.id]);
    },
  },
  {
    name: 'queues once more what came to nothing, once, and nothing whose link is over',
    run: async (messages, links) => {
      const later = { now: NOW + 9_000_000, deliverBy: NOW + 9_900_000 };
      const again = ({ id }: Link) => messages.requeue('default', id, later);
      const link = await failed(links);
      assert.equal(await messages.requeue('other', link.id, later), false);
      assert.deepEqual((await Promise.all([again(link), again(link)])).filter(Boolean).length, 1);
      const [claimed] = await links.claimDue('b', later.now, later.now + 15_000, 9);
      assert.deepEqual([claimed?.id, claimed?.delivery.attempts, claimed?.delivery.resends], [link.id, 1, 0]);
      assert.ok(claimed!.expiresAt > later.now);
      const used = await failed(links);
      await links.redeem(asks(used));
      const revoked = await failed(links);
      await links.revoke('default', { id: revoked.id }, NOW);
      const old = await failed(links);
      await inserted(links, sampleLink({ subject: old.subject }));
      const lived = await inserted(links, mailed());
      await links.claimDue('c', NOW, NOW + 15_000, 9);
      await links.settle(lived.id, 'c', { status: 'sent', at: NOW });
      await links.requeue(lived, NO_LIMITS, { now: NOW, deliverBy: NOW + 9_000 });
      await links.claimDue('d', NOW, NOW + 15_000, 9);
      await links.settle(lived.id, 'd', { status: 'failed', error: '550' });
      const waiting = await inserted(links, mailed());
      for (const one of [used, revoked, old, lived, waiting]) assert.equal(await again(one), false);
      assert.equal(await messages.requeue('default', lived.id, { now: NOW + 599_999, deliverBy: NOW + 700_000 }), true);
    },
  },
  {
    name: 'cancels what waits, not what is being handed over',
    run: async (messages, links) => {
      const link = await inserted(links, mailed());
      assert.equal(await messages.cancel('other', link.id), false);
      assert.equal(await messages.cancel('default', link.id), true);
      assert.equal(await messages.cancel('default', link.id), false);
      assert.equal((await messages.find('default', link.id))?.delivery.status, 'cancelled');
      assert.equal(await links.nextDue(), null);
      const underWay = await inserted(links, mailed());
      await links.claimDue('a', NOW, NOW + 15_000, 9);
      assert.equal(await messages.cancel('default', underWay.id), false);
    },
  },
  {
    name: 'notes that a mail came back, if it was one to that mailbox',
    run: async (messages, links) => {
      const link = await inserted(links, mailed());
      const bounced = (key = link.recipientKey) => messages.markBounced('default', link.id, key, 'bounced');
      assert.equal(await bounced(), false);
      await links.claimDue('a', NOW, NOW + 15_000, 9);
      await links.settle(link.id, 'a', { status: 'sent', at: NOW });
      assert.equal(await bounced('another'), false);
      assert.equal(await bounced(), true);
      const { delivery } = (await messages.find('default', link.id))!;
      assert.deepEqual([delivery.status, delivery.sentAt, delivery.lastError], ['failed', NOW, 'bounced']);
    },
  },
  {
    name: 'mails nothing to whom it suppresses: neither new links nor those that wait, decoys alike',
    run: async (messages, links) => {
      const recipient = 'ann@example.com';
      const mint = async (change: Parameters<typeof mailed>[0] = {}) => {
        const link = mailed({ recipient, supersedes: false, ...change });
        const answer = await links.insert(link, NO_LIMITS);
        return [answer, (await links.find(link.app, link.id))?.delivery.status];
      };
      const waiting = await inserted(links, mailed({ recipient, supersedes: false }));
      await messages.suppress(suppression(recipient, { purpose: 'magic-link', reason: 'reported', until: NOW + 1 }));
      assert.deepEqual(await mint(), [true, 'queued']);
      assert.deepEqual(await mint({ purpose: 'magic-link' }), ['suppressed', 'suppressed']);
      assert.deepEqual(await mint({ purpose: 'magic-link', createdAt: NOW + 1 }), [true, 'queued']);
      await messages.suppress(suppression(recipient));
      assert.deepEqual(await mint(), ['suppressed', 'suppressed']);
      assert.deepEqual(await mint({ decoy: true, delivery: { status: 'none' } }), ['suppressed', 'suppressed']);
      assert.deepEqual(await mint({ recipient: 'ANN+tag@example.com' }), ['suppressed', 'suppressed']);
      assert.deepEqual(await mint({ app: 'other' }), [true, 'queued']);
      assert.deepEqual(await mint({ via: 'return', delivery: { status: 'none', dueAt: null } }), [true, 'none']);
      const taken = await links.claimDue('a', NOW + 1, NOW + 15_000, 9);
      const sending = taken.filter(({ delivery }) => delivery.status === 'sending');
      assert.deepEqual(Array.from(sending, ({ app }) => app), ['other']); // prettier-ignore
      const ended = new Map(Array.from(taken, ({ id, delivery }) => [id, delivery.status]));
      assert.equal(ended.get(waiting.id), 'suppressed');
      assert.equal(await messages.requeue('default', waiting.id, { now: NOW + 1, deliverBy: NOW + 9_000 }), false);
      await messages.lift('default', keysOf(recipient));
      assert.deepEqual(await mint(), [true, 'queued']);
      assert.equal(await messages.requeue('default', waiting.id, { now: NOW + 1, deliverBy: NOW + 9_000 }), true);
    },
  },
  {
    name: 'suppresses an address with a tag for itself alone',
    run: async (messages, links) => {
      await messages.suppress(suppression('ann+made-up@example.com'));
      assert.equal(await links.insert(mailed({ recipient: 'ann@example.com' }), NO_LIMITS), true);
      assert.equal(await links.insert(mailed({ recipient: 'ann+other@example.com' }), NO_LIMITS), true);
      assert.equal(await links.insert(mailed({ recipient: 'ann+made-up@example.com' }), NO_LIMITS), 'suppressed');
    },
  },
  {
    name: 'lists suppressions page by page, lifts them, and forgets those that ran out',
    run: async (messages) => {
      const all = ['a@example.com', 'b@example.com', 'c+tag@example.com'].map((recipient) => suppression(recipient));
      for (const one of all) await messages.suppress(one);
      const changed = { ...all[0]!, reason: 'bounced', createdAt: NOW + 1, until: NOW + 5 } as const;
      await messages.suppress(changed);
      await messages.suppress({ ...all[0]!, app: 'other' });
      const list = (filter = {}, page: Parameters<MessageStore['listSuppressions']>[2] = { limit: 9 }) =>
        messages.listSuppressions('default', filter, page).then((found) => Array.from(found));
      const listed = await list();
      // The order is that of the stored keys, which are the store's own affair.
      const told = (some: readonly Suppression[]): object[] =>
        some.map(({ recipientKey: _, ...rest }) => rest).sort((a, b) => (a.recipient < b.recipient ? -1 : 1));
      assert.deepEqual(told(listed), told([changed, all[1]!, all[2]!]));
      const { recipientKey: key, purpose } = listed[0]!;
      assert.deepEqual(await list({}, { limit: 1, after: [key, purpose] }), [listed[1]]);
      assert.deepEqual(told(await list({ keys: keysOf('c+tag@example.com') })), told([all[2]!]));
      assert.equal(await messages.lift('default', keysOf('b@example.com')), 1);
      assert.equal(await messages.lift('default', keysOf('b@example.com')), 0);
      await messages.forgetSuppressions(NOW + 5);
      assert.deepEqual(told(await list()), told([all[2]!]));
    },
  },
];
