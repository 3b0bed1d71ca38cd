import fc from 'fast-check';
import type { Link } from '../../src/links/link.js';
import { LinkIds } from '../../src/links/link-ids.js';
import type { Database } from '../../src/storage/engines.js';
import { GroupCommit } from '../../src/storage/group-commit.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { sampleLink } from '../../src/testing.js';

/**
 * Bursts of concurrent mints, redemptions and revocations, with time passing in between and the process being replaced
 * in the middle of a burst, against a model that does one thing after the other. Whatever the interleaving, each answer
 * must be one that some order explains, each effect must happen once, and nothing that was answered may be forgotten.
 * (Processes that are really killed are the matter of test/faults.)
 */
const RUNS = Number(process.env.MODEL_RUNS ?? 2_000);
const SUBJECTS = 3;
const LIFE = 10_000;

type Step =
  | { readonly do: 'mint'; readonly subject: number; readonly supersedes: boolean }
  | { readonly do: 'redeem'; readonly link: number }
  | { readonly do: 'revoke'; readonly link: number };
interface Burst {
  readonly steps: readonly Step[];
  /** ms that pass afterwards */
  readonly pause: number;
  /** the next burst meets a store that knows nothing of this one's, as another process would */
  readonly replaced: boolean;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('mint' as const), subject: fc.nat(SUBJECTS - 1), supersedes: fc.boolean() }),
  fc.record({ do: fc.constant('redeem' as const), link: fc.nat(7) }),
  fc.record({ do: fc.constant('revoke' as const), link: fc.nat(7) }),
);
const burst: fc.Arbitrary<Burst> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 10 }),
  pause: fc.constantFrom(0, 1, 4_000, LIFE),
  replaced: fc.boolean(),
});

/** What the model knows of a link. */
interface Known {
  readonly link: Link;
  ended: 'redeemed' | 'revoked' | undefined;
}

let database: Database;
beforeAll(async () => void (database = await openWithSchema({ url: 'sqlite::memory:', migrate: true })));
afterAll(() => database.dataSource.destroy());

test(`${RUNS} random histories agree with the model`, async () => {
  await fc.assert(fc.asyncProperty(fc.array(burst, { minLength: 1, maxLength: 5 }), playAndCheck), { numRuns: RUNS });
}, 600_000);

async function playAndCheck(bursts: readonly Burst[]): Promise<void> {
  await database.dataSource.query('DELETE FROM links');
  let now = 1_800_000_000_000;
  const ids = new LinkIds(() => now);
  let store = freshStore();
  const known: Known[] = [];

  for (const { steps, pause, replaced } of bursts) {
    const before = known.map((one) => ({ ...one, superseded: isSuperseded(known, one.link) }));
    const minted: Link[] = [];
    const wins = new Map<string, number>();
    const revocations = new Map<string, number>();
    const count = (of: Map<string, number>, id: string, by: number): void => void of.set(id, (of.get(id) ?? 0) + by);

    const answers = steps.map(async (one) => {
      if (one.do === 'mint') {
        const times = { createdAt: now, issuedAt: now, expiresAt: now + LIFE };
        const link = sampleLink({
          id: ids.next(),
          subject: `user-${one.subject}`,
          supersedes: one.supersedes,
          ...times,
        });
        minted.push(link);
        expect(await store.insert(link, { quietSince: null, windows: [] })).toBe(true);
        return;
      }
      const target = known[one.link % Math.max(1, known.length)]?.link;
      if (!target) return;
      if (one.do === 'revoke') count(revocations, target.id, await store.revoke('default', { id: target.id }, now));
      else count(wins, target.id, (await store.redeem(questionFor(target, now))) ? 1 : 0);
    });
    if (replaced) store = freshStore();
    await Promise.all(answers);
    for (const link of minted) known.push({ link, ended: undefined });

    for (const one of before) {
      const { id } = one.link;
      const asked = (kind: Step['do']): boolean =>
        steps.some((s) => s.do === kind && 'link' in s && known[s.link % Math.max(1, before.length)]?.link.id === id);
      const open = one.ended === undefined;
      const alive = one.link.expiresAt > now;
      const ends = (wins.get(id) ?? 0) + (revocations.get(id) ?? 0);
      const mayBeSuperseded = one.superseded || minted.some((link) => supersedes(link, one.link));
      // Never twice, never after an end, never a redemption of what was dead before.
      expect(ends).toBeLessThanOrEqual(open ? 1 : 0);
      if (!alive || one.superseded) expect(wins.get(id) ?? 0).toBe(0);
      // And never nobody, when somebody asked and nothing stood in the way.
      if (open && asked('revoke')) expect(ends).toBe(1);
      if (open && alive && asked('redeem') && !mayBeSuperseded) expect(ends).toBe(1);
      const state = known.find(({ link }) => link.id === id)!;
      if (wins.get(id)) state.ended = 'redeemed';
      if (revocations.get(id)) state.ended = 'revoked';
    }
    now += pause;
  }

  for (const { link, ended } of known) {
    const found = await store.find('default', link.id);
    expect(found).toBeDefined();
    expect([found!.redeemedAt !== null, found!.revokedAt !== null]).toEqual([
      ended === 'redeemed',
      ended === 'revoked',
    ]);
    expect(found!.superseded).toBe(isSuperseded(known, link));
  }
}

const freshStore = (): SqlLinkStore =>
  new SqlLinkStore(database, new GroupCommit({ batch: 3, queue: 1_000, patience: 60_000 }));

const supersedes = (newer: Link, older: Link): boolean =>
  newer.supersedes && newer.subject === older.subject && newer.id > older.id;
const isSuperseded = (all: readonly Known[], link: Link): boolean => all.some((other) => supersedes(other.link, link));

const questionFor = ({ id, app, purpose }: Link, now: number) => ({
  id,
  app,
  purpose,
  fingerprint: null,
  challenge: null,
  challengeRequired: false,
  redeemKey: null,
  now,
});
