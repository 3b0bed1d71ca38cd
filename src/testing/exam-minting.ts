import assert from 'node:assert/strict';
import { type Link } from '../links/link.js';
import type { MintGuard, Window } from '../links/link-store.js';
import { NOW, NO_LIMITS, sampleLink, mailed, type ExamCase } from './exam-tools.js';

const within = (...windows: Window[]): MintGuard => ({ quietSince: null, windows });

/** Limits and idempotency keys, also when many mint at once. */
export const mintingCases: readonly ExamCase[] = [
  {
    name: 'counts mints to one recipient across purposes, subjects and decoys, but not across apps',
    run: async (store) => {
      const recipient = 'ann@example.com';
      const guard = within({ by: 'recipient', since: NOW - 3_600_000, count: 3 });
      const mint = (change: Partial<Link>): Promise<boolean | 'suppressed'> =>
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
      const guard = within({ by: 'recipient', since: NOW - 1000, count: 5 });
      const mints = Array.from({ length: 20 }, (_, n) =>
        store.insert(sampleLink({ recipient: 'ann@example.com', idempotencyKey: n % 2 ? `key-${n}` : null }), guard),
      );
      assert.equal((await Promise.all(mints)).filter(Boolean).length, 5);
    },
  },
  {
    name: 'keeps the cool-down between mails of one purpose only',
    run: async (store) => {
      const guard: MintGuard = { quietSince: NOW - 30_000, windows: [] };
      const recipient = 'ann@example.com';
      assert.equal(await store.insert(mailed({ recipient }), guard), true);
      assert.equal(await store.insert(mailed({ recipient }), guard), false);
      assert.equal(await store.insert(mailed({ recipient, purpose: 'magic-link' }), guard), true);
      assert.equal(await store.insert(mailed({ recipient }), NO_LIMITS), true);
    },
  },
  {
    name: 'takes an idempotency key once per app, and again after it was released',
    run: async (store) => {
      const mint = (app = 'default'): Promise<boolean | 'suppressed'> =>
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
    name: 'inserts no link that a newer one would end as it begins, and tells which',
    run: async (store) => {
      const subject = 'user of two instances';
      const [early, ...later] = [sampleLink({ subject }), sampleLink({ subject }), sampleLink({ subject })];
      for (const link of later) assert.equal(await store.insert(link, NO_LIMITS), true);
      assert.equal(await store.newerThan(early), later[1].id);
      assert.equal(await store.newerThan(later[1]), undefined);
      for (const row of [early, { ...early, decoy: true, supersedes: false }])
        assert.equal(await store.insert(row, NO_LIMITS), false);
      for (const change of [{ app: 'other' }, { subject: 'somebody else' }, { purpose: 'email-verification' }]) {
        assert.equal(await store.newerThan({ ...early, ...change }), undefined);
        assert.equal(await store.insert({ ...early, ...change, id: sampleLink().id }, NO_LIMITS), true);
      }
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
];
