import assert from 'node:assert/strict';
import type { Link } from '../links/link.js';
import { LinkIds } from '../links/link-ids.js';
import type { CountedBy, Fillings, MintGuard } from '../links/link-store.js';
import { NOW, NO_LIMITS, ids, inserted, mailed, sampleLink, type ExamCase } from './exam-tools.js';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const hourly = (by: CountedBy, count: number, more: Partial<MintGuard> = {}): MintGuard => ({
  quietSince: null,
  windows: [{ by, since: NOW - HOUR, count }],
  ...more,
});

/** For each limit: a mint that counts, and others that are beside it. */
const KINDS: readonly [CountedBy, same: Partial<Link>, others: readonly Partial<Link>[], client?: string][] = [
  ['recipient', { recipient: 'ann@example.com' }, [{ recipient: 'bob@example.com' }, { app: 'other' }]],
  ['subject', { subject: 'ann' }, [{ subject: 'bob' }, { app: 'other' }]],
  ['client', {}, [{ app: 'other' }], 'client-key'],
  ['app', {}, [{ app: 'other' }]],
  ['service', {}, []],
];

/** Limits on several keys, each by itself and together, and what a refusal is explained by. */
export const limitCases: readonly ExamCase[] = [
  ...KINDS.map(([by, same, others, client]): ExamCase => ({
    name: `gives the last permit of a limit by ${by} to one of many, and nothing of it to others`,
    run: async (store) => {
      const guard = hourly(by, 3, { client });
      const mint = (change: Partial<Link>): ReturnType<typeof store.insert> =>
        store.insert(sampleLink({ ...same, ...change }), guard);
      assert.equal((await Promise.all(Array.from({ length: 12 }, () => mint({})))).filter(Boolean).length, 3);
      for (const other of others) assert.equal(await mint(other), true);
      if (client !== undefined)
        assert.equal(await store.insert(sampleLink(), { ...guard, client: 'another' }), true, 'another client');
      assert.equal(await mint({}), false);
    },
  })),
  ...KINDS.map(([by, same, , client]): ExamCase => ({
    name: `counts by ${by} what a clock wrote that was a little ahead, and nothing that a wrong one did`,
    run: async (store) => {
      const mint = (createdAt: number, id: string, count = 99): ReturnType<typeof store.insert> =>
        store.insert(
          sampleLink({ ...same, id, createdAt, issuedAt: createdAt, supersedes: false }),
          hourly(by, count, { client }),
        );
      // Ids go on from the highest that there was.
      const ahead = new LinkIds(() => NOW + YEAR);
      assert.equal(await mint(NOW + YEAR, ahead.next()), true);
      assert.equal(await mint(NOW - HOUR - 1, ahead.next()), true);
      assert.equal(await mint(NOW, ahead.next(), 1), true);
      assert.equal(await mint(NOW, ahead.next(), 1), false);
      const little = NOW + 2_000;
      assert.equal(await mint(little, new LinkIds(() => little).next(), 2), true);
      assert.equal(await mint(NOW, ids.next(), 2), false);
      const filled = await store.fillings(sampleLink(same), hourly(by, 2, { client }), NOW);
      assert.deepEqual(filled, { lastMail: null, windows: [NOW] });
      assert.equal(await mint(NOW, ids.next(), 3), true);
    },
  })),
  {
    name: 'keeps the cool-down from what a clock wrote that was a little ahead, and not from what a wrong one did',
    run: async (store) => {
      const ahead = new LinkIds(() => NOW + YEAR);
      const quiet: MintGuard = { quietSince: NOW - 29_999, windows: [] };
      const mail = (createdAt: number, guard = NO_LIMITS): ReturnType<typeof store.insert> =>
        store.insert(mailed({ recipient: 'ann@example.com', id: ahead.next(), createdAt, supersedes: false }), guard);
      assert.equal(await mail(NOW + YEAR), true);
      assert.equal(await mail(NOW - 30_000), true);
      assert.equal(await mail(NOW, quiet), true);
      assert.equal(await mail(NOW, quiet), false);
      const ann = sampleLink({ recipient: 'ann@example.com' });
      assert.equal((await store.fillings(ann, quiet, NOW)).lastMail, NOW);
      assert.equal(await mail(NOW + 2_000), true);
      assert.equal((await store.fillings(ann, quiet, NOW)).lastMail, NOW + 2_000);
      assert.equal(await mail(NOW - 5_000, { quietSince: NOW - 6_000, windows: [] }), true);
    },
  },
  {
    name: 'counts a resend that a clock wrote a little ahead, and none that a wrong one did',
    run: async (store) => {
      const times = { createdAt: NOW - HOUR, expiresAt: NOW + 2 * YEAR, supersedes: false };
      const early = new LinkIds(() => NOW - HOUR);
      const guards: readonly MintGuard[] = [
        { quietSince: NOW - 29_999, windows: [] },
        { quietSince: null, windows: [{ by: 'recipient', since: NOW - HOUR + 1, count: 1 }] },
      ];
      for (const ahead of [YEAR, 2_000]) {
        const counts = ahead === 2_000;
        for (const [nth, guard] of guards.entries()) {
          const old = mailed({ recipient: `ann-${ahead}-${nth}@example.com`, id: early.next(), ...times });
          await inserted(store, old);
          const resend = { now: NOW + ahead, deliverBy: NOW + ahead + 60_000 };
          assert.equal(await store.requeue(old, NO_LIMITS, resend), true);
          const { lastMail, windows } = await store.fillings(old, guard, NOW);
          assert.equal([lastMail, ...windows].includes(NOW + ahead), counts);
          assert.equal(await store.requeue(old, guard, { now: NOW, deliverBy: NOW + 60_000 }), !counts);
        }
      }
    },
  },
  {
    name: 'counts nothing that left the window',
    run: async (store) => {
      const early = new LinkIds(() => NOW - HOUR - 1);
      for (const by of ['recipient', 'subject', 'client', 'app', 'service'] as const) {
        const guard = hourly(by, 1, { client: `client-${by}` });
        const of = { app: by, recipient: 'ann@example.com', subject: 'ann' };
        const open = { quietSince: null, windows: [{ by, since: 0, count: 99 }], client: `client-${by}` };
        await store.insert(sampleLink({ ...of, id: early.next(), createdAt: NOW - HOUR - 1 }), open);
        if (by === 'service') continue;
        assert.equal(await store.insert(sampleLink(of), guard), true);
        assert.equal(await store.insert(sampleLink(of), guard), false);
      }
    },
  },
  {
    name: 'holds every limit at once, and says of each when it was filled',
    run: async (store) => {
      const at = [3, 2, 1].map((hours) => NOW - hours * 60_000);
      for (const time of at) {
        const id = new LinkIds(() => time).next();
        const link = sampleLink({ id, createdAt: time, recipient: 'ann@example.com', subject: 'ann' });
        assert.equal(await store.insert(link, hourly('app', 99, { client: 'c' })), true);
      }
      const guard: MintGuard = {
        quietSince: null,
        client: 'c',
        windows: (['recipient', 'subject', 'client', 'app', 'service'] as const).map((by, index) => ({
          by,
          since: NOW - HOUR,
          count: index + 1,
        })),
      };
      const link = sampleLink({ recipient: 'ann@example.com', subject: 'ann' });
      assert.equal(await store.insert(link, guard), false);
      const filled: Fillings = { lastMail: null, windows: [at[2]!, at[1]!, at[0]!, null, null] };
      assert.deepEqual(await store.fillings(link, guard, NOW), filled);
      assert.equal(await store.insert(link, { ...guard, windows: guard.windows.slice(3) }), true);
    },
  },
  {
    name: 'counts a resend when it was asked for, in the cool-down and in the windows, for decoys too',
    run: async (store) => {
      for (const decoy of [false, true]) {
        const recipient = `ann-${decoy}@example.com`;
        const times = { id: new LinkIds(() => NOW - HOUR).next(), createdAt: NOW - HOUR, expiresAt: NOW + HOUR };
        const old = mailed({
          recipient,
          decoy,
          supersedes: false,
          ...times,
          delivery: { dueAt: null, status: 'sent' },
        });
        await inserted(store, old);
        assert.equal(await store.requeue(old, NO_LIMITS, { now: NOW, deliverBy: NOW + 60_000 }), true);
        assert.deepEqual((await store.find('default', old.id))?.delivery.resentAt, NOW);

        const next = mailed({ recipient });
        const quiet: MintGuard = { quietSince: NOW - 10, windows: [] };
        assert.equal(await store.insert(next, quiet), false);
        assert.deepEqual(await store.fillings(next, quiet, NOW), { lastMail: NOW, windows: [] });
        assert.equal(await store.requeue(old, quiet, { now: NOW + 1, deliverBy: NOW + 60_000 }), false);

        const minutely: MintGuard = { quietSince: null, windows: [{ by: 'recipient', since: NOW - 60_000, count: 1 }] };
        assert.equal(await store.insert(next, minutely), false);
        assert.deepEqual(await store.fillings(next, minutely, NOW), { lastMail: null, windows: [NOW] });
        assert.equal(await store.insert(next, { quietSince: NOW + 1, windows: [] }), true);
      }
    },
  },
  {
    name: 'counts a resend of a mail that is on its way, and does not queue it twice',
    run: async (store) => {
      const link = await inserted(store, mailed());
      const [claimed] = await store.claimDue('a', NOW, NOW + 15_000, 5);
      assert.equal(await store.requeue(link, NO_LIMITS, { now: NOW + 1, deliverBy: NOW + 60_000 }), true);
      const found = await store.find('default', link.id);
      assert.deepEqual(found?.delivery, { ...claimed!.delivery, resends: 1, resentAt: NOW + 1 });
      assert.equal(await store.settle(link.id, 'a', { status: 'sent', at: NOW + 2 }), true);
      assert.equal(await store.nextDue(), null);
    },
  },
];
