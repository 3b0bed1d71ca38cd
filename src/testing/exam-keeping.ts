import assert from 'node:assert/strict';
import { statusOf, type Link } from '../links/link.js';
import { LinkIds } from '../links/link-ids.js';
import { addressKey, recipientKey } from '../links/recipient.js';
import { NOW, ids, sampleLink, mailed, asks, inserted, type ExamCase } from './exam-tools.js';

/** What is stored is found again, listed, and at last forgotten. */
export const keepingCases: readonly ExamCase[] = [
  {
    name: 'gives back what was inserted, to the byte',
    run: async (store) => {
      const link = await inserted(
        store,
        mailed({ fingerprint: 'f', codeChallenge: 'c', redirectUri: 'https://app.example/x?y=z', renews: ids.next() }),
      );
      assert.deepEqual(await store.find('default', link.id), link);
      assert.equal(await store.find('other', link.id), undefined);
      assert.equal(await store.find('default', ids.next()), undefined);
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
        Array.from((await store.list('default', { subject: 'user', ...filter }, page, now)).items, ({ id }) => id);
      assert.deepEqual(await list({}), all);
      assert.deepEqual(await list({}, { limit: 2 }), all.slice(0, 2));
      assert.deepEqual(await list({}, { limit: 2, after: all[1]! }), all.slice(2, 4));
      assert.deepEqual(await list({ status: 'redeemed' }), [all[0]]);
      assert.deepEqual(await list({ status: 'revoked' }), [all[1]]);
      assert.deepEqual(await list({ status: 'active' }), all.slice(2));
      assert.deepEqual(await list({ status: 'expired' }), []);
      assert.deepEqual(await list({ status: 'expired' }, { limit: 10 }, NOW + 700_000), all.slice(2));
      assert.deepEqual(await list({ purpose: 'magic-link' }), []);
      assert.equal((await store.list('other', {}, { limit: 10 }, NOW)).items.length, 0);
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
        for (const link of (await store.list('default', { status }, { limit: 10 }, later)).items)
          assert.equal(statusOf(link, later), status);
      }
      assert.equal((await store.list('default', { status: 'active' }, { limit: 10 }, later)).items.length, 1);
      assert.equal((await store.list('default', { status: 'superseded' }, { limit: 10 }, later)).items.length, 1);
    },
  },
  {
    name: 'knows whom a link was for, also when it has forgotten the address',
    run: async (store) => {
      const keysOf = (address: string) => ({ key: recipientKey(address), addressKey: addressKey(address) });
      const link = await inserted(store, sampleLink({ recipient: 'Ann@example.com' }));
      const tagged = await inserted(store, sampleLink({ recipient: 'ann+x@example.com' }));
      const forget = { wipeBefore: NOW + 900_000, deleteBefore: NOW, now: NOW + 900_000 };
      for (const isForgotten of [false, true]) {
        if (isForgotten) await store.sweep('', forget, 10);
        assert.equal((await store.find('default', link.id))?.recipient, isForgotten ? null : link.recipient);
        const isTo = (id: string, address: string, app = 'default'): Promise<boolean> =>
          store.wentTo(app, id, keysOf(address));
        assert.deepEqual(
          [await isTo(link.id, 'ann@example.com'), await isTo(tagged.id, 'Ann+X@example.com')],
          [true, true],
        );
        assert.deepEqual(
          [await isTo(link.id, 'ann+x@example.com'), await isTo(tagged.id, 'ann@example.com')],
          [false, false],
        );
        assert.deepEqual(
          [await isTo(link.id, 'bob@example.com'), await isTo(link.id, 'ann@example.com', 'other')],
          [false, false],
        );
        assert.equal(await isTo(ids.next(), 'ann@example.com'), false);
      }
    },
  },
  {
    name: 'notes the first opening and the first report only',
    run: async (store) => {
      const link = await inserted(store, sampleLink());
      await store.markOpened(link.id, NOW + 1);
      await store.markOpened(link.id, NOW + 2);
      await store.markReported(link.id, NOW + 3);
      await store.markReported(link.id, NOW + 4);
      const noted = await store.find('default', link.id);
      assert.deepEqual([noted?.openedAt, noted?.reportedAt], [NOW + 1, NOW + 3]);
    },
  },
  {
    name: 'closes what has ended when it is withdrawn, and leaves it as it ended',
    run: async (store) => {
      const old = await inserted(store, sampleLink({ expiresAt: NOW - 1 }));
      const { recipientKey } = old;
      const living = await inserted(store, sampleLink({ subject: old.subject, recipientKey }));
      const later = await inserted(store, sampleLink({ recipientKey, expiresAt: NOW - 1 }));
      const filter = { recipients: [{ key: recipientKey }], status: 'active' } as const;
      assert.equal(await store.revoke('default', filter, NOW), 1);
      const rows = await Promise.all([old, later, living].map(({ id }) => store.find('default', id)));
      assert.deepEqual(Array.from(rows, (row) => [row!.closedAt, row!.revokedAt]), [[NOW, null], [NOW, null], [NOW, NOW]]); // prettier-ignore
      const others = await inserted(store, sampleLink({ expiresAt: NOW - 1 }));
      assert.equal((await store.find('default', others.id))?.closedAt, null);
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
  {
    name: 'sweeps by their times what has ids from a clock that was ahead, and passes over what is young',
    run: async (store) => {
      const DAY = 86_400_000;
      const ahead = new LinkIds(() => NOW + 365 * DAY);
      const young: Link[] = [];
      const old: Link[] = [];
      for (let n = 0; n < 3; n++) young.push(await inserted(store, sampleLink()));
      for (const expiresAt of [NOW - 31 * DAY, NOW - 2 * DAY, NOW + 1_000])
        old.push(await inserted(store, sampleLink({ id: ahead.next(), createdAt: expiresAt - 600_000, expiresAt })));
      const times = { wipeBefore: NOW - DAY, deleteBefore: NOW - 30 * DAY, now: NOW };
      assert.equal(await store.sweep('', times, 2), old[1]!.id);
      // What is minted meanwhile goes on where they end, and must not keep a sweep busy for ever.
      assert.equal(await store.sweep(old[1]!.id, times, 2), null);
      const kept = await Promise.all(old.map(({ id }) => store.find('default', id)));
      assert.deepEqual(
        Array.from(kept, (link) => link?.recipient),
        [undefined, null, old[2]!.recipient],
      );
      const later = { ...times, now: NOW + 2 * DAY, wipeBefore: NOW + DAY };
      assert.equal(await store.sweep('', later, 9), young[2]!.id);
      assert.equal(await store.sweep(young[2]!.id, later, 9), null);
      assert.equal((await store.find('default', old[2]!.id))?.recipient, null);
    },
  },
];
