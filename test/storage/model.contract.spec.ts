import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { Unavailable } from '../../src/links/errors.js';
import type { Link } from '../../src/links/link.js';
import { LinkIds } from '../../src/links/link-ids.js';
import type { Database } from '../../src/storage/engines.js';
import { GroupCommit } from '../../src/storage/group-commit.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { sampleLink } from '../../src/testing.js';
import { tell } from '../faults/size.js';
import { startPostgres } from '../support/postgres.js';
import { Mortal } from './mortal.js';

/**
 * Bursts of concurrent mints, redemptions and revocations through two instances, one of which may die in the middle,
 * with time passing in between, against a model that does one thing after the other. Whatever the interleaving, each
 * answer must be one that some order explains, each effect must happen once, nothing that was answered may be forgotten,
 * and what was not answered happened as a whole or not at all. (Real deaths are the matter of test/faults.)
 */
const RUNS = Number(process.env.MODEL_RUNS ?? 2_000);
/** PostgreSQL's statements take longer, and the model is the same. */
const RUNS_ON_POSTGRES = Math.ceil(RUNS / 20);
const SEED = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31));
const LIFE = 10_000;

type Act =
  | { readonly do: 'mint'; readonly subject: number; readonly supersedes: boolean; readonly key: number | null }
  | { readonly do: 'redeem'; readonly link: number; readonly fingerprint: string }
  | { readonly do: 'revoke'; readonly link: number };
interface Step {
  readonly act: Act;
  /** which of the instances is asked */
  readonly at: number;
  /** turns of the event loop before it is asked */
  readonly after: number;
}
interface Burst {
  readonly steps: readonly Step[];
  /** the instance that dies, with its so-manyth statement, which is carried out or not */
  readonly death: { readonly of: number; readonly after: number; readonly lands: boolean } | null;
  /** ms that pass afterwards */
  readonly pause: number;
}

const INSTANCES = 2;
const instance = fc.nat(INSTANCES - 1);
const link = fc.nat(7);
const burst: fc.Arbitrary<Burst> = fc.record({
  steps: fc.array(
    fc.record({
      act: fc.oneof(
        fc.record({
          do: fc.constant('mint' as const),
          subject: fc.nat(2),
          supersedes: fc.boolean(),
          key: fc.option(fc.nat(2)),
        }),
        fc.record({
          do: fc.constant('redeem' as const),
          link,
          fingerprint: fc.constantFrom('right', 'right', 'wrong'),
        }),
        fc.record({ do: fc.constant('revoke' as const), link }),
      ),
      at: instance,
      after: fc.constantFrom(0, 0, 1, 4, 16),
    }),
    { minLength: 1, maxLength: 10 },
  ),
  death: fc.option(fc.record({ of: instance, after: fc.nat(3), lands: fc.boolean() })),
  pause: fc.constantFrom(0, 1, 4_000, LIFE),
});

/** What the model knows of a link. */
interface Known {
  readonly link: Link;
  ended: 'redeemed' | 'revoked' | undefined;
}
/** What was asked and, as long as its instance lived, answered. `began` and `ended` are places in the order of events. */
interface Call {
  readonly act: Act;
  readonly link: Link;
  readonly began: number;
  ended: number;
  answer: boolean | undefined;
}
interface Row {
  readonly id: string;
  readonly redeemed_at: unknown;
  readonly revoked_at: unknown;
}

tell(`seed ${SEED} (MODEL_SEED=${SEED} repeats it)`);

test(`sqlite: ${RUNS} random histories agree with the model`, () => playOn('sqlite::memory:', RUNS), 600_000);

test(`postgres: ${RUNS_ON_POSTGRES} random histories agree with the model`, async () => {
  const postgres = await startPostgres();
  try {
    await playOn(await postgres.createDatabase(), RUNS_ON_POSTGRES);
  } finally {
    await postgres.stop();
  }
}, 600_000);

async function playOn(url: string, numRuns: number): Promise<void> {
  const database = await openWithSchema({ url, migrate: true });
  try {
    const histories = fc.asyncProperty(fc.array(burst, { minLength: 1, maxLength: 5 }), (bursts) =>
      playAndCheck(database, bursts),
    );
    await fc.assert(histories, { numRuns, seed: SEED });
  } finally {
    await database.dataSource.destroy();
  }
}

async function playAndCheck(database: Database, bursts: readonly Burst[]): Promise<void> {
  await database.dataSource.query('DELETE FROM links');
  let now = 1_800_000_000_000;
  const ids = new LinkIds(() => now);
  const born = () => {
    const mortal = new Mortal(database);
    const groups = new GroupCommit({ batch: 3, queue: 1_000, patience: 60_000 });
    return { mortal, store: new SqlLinkStore(mortal.database, groups) };
  };
  const instances = Array.from({ length: INSTANCES }, born);
  const known: Known[] = [];

  for (const { steps, death, pause } of bursts) {
    if (death) instances[death.of]!.mortal.dieAfter(death.after, death.lands);
    const targets = [...known];
    const calls: Call[] = [];
    let events = 0;
    await Promise.all(
      steps.map(async ({ act, at, after }) => {
        // Made at once and asked later: as by instances of which one's clock is ahead.
        const id = ids.next();
        for (let n = 0; n < after; n++) await turn();
        const target = act.do === 'mint' ? minted(act, id, now) : targets[act.link % targets.length]?.link;
        if (!target) return;
        const call: Call = { act, link: target, began: events++, ended: Infinity, answer: undefined };
        calls.push(call);
        call.answer = await ask(instances[at]!.store, call, now);
        if (call.answer !== undefined) call.ended = events++;
      }),
    );
    if (death) instances[death.of] = born();

    const rows = await database.dataSource.query<Row[]>('SELECT id, redeemed_at, revoked_at FROM links');
    expect(faultsOf(targets, calls, rows, now)).toEqual([]);
    for (const { act, link } of calls)
      if (act.do === 'mint' && rows.some(({ id }) => id === link.id)) known.push({ link, ended: undefined });
    for (const one of known) one.ended = endOf(rows.find(({ id }) => id === one.link.id));
    now += pause;
  }

  for (const { link, ended } of known) {
    const found = await instances[0]!.store.find('default', link.id);
    expect([found!.redeemedAt !== null, found!.revokedAt !== null]).toEqual([
      ended === 'redeemed',
      ended === 'revoked',
    ]);
    expect(found!.superseded).toBe(known.some((other) => supersedes(other.link, link)));
  }
}

/** @returns what the store says, or undefined if it says nothing */
async function ask(store: SqlLinkStore, { act, link }: Call, now: number): Promise<boolean | undefined> {
  try {
    if (act.do === 'mint') return (await store.insert(link, { quietSince: null, windows: [] })) === true;
    if (act.do === 'revoke') return (await store.revoke('default', { id: link.id }, now)) === 1;
    return (await store.redeem(questionFor(link, act.fingerprint, now))) !== undefined;
  } catch (error) {
    // It died, or the database was too busy for an answer: nobody was told what became of it.
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}

/** What no order of these calls explains. @param before the links, as they were before @param rows as they are now */
function faultsOf(before: readonly Known[], calls: readonly Call[], rows: readonly Row[], now: number): string[] {
  const faults: string[] = [];
  const isThere = (link: Link): boolean => rows.some(({ id }) => id === link.id);
  const mints = calls.filter(({ act }) => act.do === 'mint');
  for (const { link, answer, began } of mints) {
    if (answer === true && !isThere(link)) faults.push(`${link.id}: acknowledged and lost`);
    if (answer === false && isThere(link)) faults.push(`${link.id}: refused and there`);
    const { idempotencyKey: key } = link;
    const withKey = [...before, ...mints].filter((one) => one.link.idempotencyKey === key && isThere(one.link)).length;
    if (key !== null && withKey > 1) faults.push(`${link.id}: its key minted ${withKey} links`);
    const isNewer = (one: { readonly link: Link }): boolean => supersedes(one.link, link) && isThere(one.link);
    const isOver = before.some(isNewer) || mints.some((mint) => isNewer(mint) && mint.ended < began);
    if (answer === false && ![...before, ...mints].some(isNewer) && (key === null || withKey === 0))
      faults.push(`${link.id}: refused for no reason`);
    if (answer === true && isOver) faults.push(`${link.id}: acknowledged when it was over`);
  }
  for (const { link, ended } of before) {
    const own = calls.filter((call) => call.link.id === link.id);
    const end = endOf(rows.find(({ id }) => id === link.id));
    const wins = own.filter(({ answer }) => answer === true);
    const asked = (what: Act['do']): Call[] =>
      own.filter(({ act }) => act.do === what && !(act.do === 'redeem' && act.fingerprint === 'wrong'));
    const isDead = link.expiresAt <= now || before.some((other) => supersedes(other.link, link));
    const newer = mints.filter((mint) => supersedes(mint.link, link) && isThere(mint.link));
    const fault = (what: string): number => faults.push(`${link.id}: ${what}`);

    if (!isThere(link)) fault('lost');
    if (ended !== undefined && end !== ended) fault(`was ${ended}, is ${end}`);
    if (wins.length > (ended === undefined ? 1 : 0)) fault('ended twice');
    const [win] = wins;
    if (win && end !== (win.act.do === 'redeem' ? 'redeemed' : 'revoked')) fault(`${win.act.do} forgotten`);
    // What nobody was told of was done by somebody who heard no answer.
    if (ended === undefined && end === 'redeemed' && !asked('redeem').some(({ answer }) => answer !== false))
      fault('redeemed by nobody');
    if (ended === undefined && end === 'revoked' && !asked('revoke').some(({ answer }) => answer !== false))
      fault('revoked by nobody');
    if (ended === undefined && end === 'redeemed' && isDead) fault('redeemed when it was over');
    if (win?.act.do === 'redeem' && !asked('redeem').includes(win)) fault('redeemed with a wrong fingerprint');
    if (win?.act.do === 'redeem' && newer.some((mint) => mint.ended < win.began))
      fault('redeemed after a newer one was acknowledged');
    // And never nobody, when somebody was refused and nothing stood in the way.
    const refused = (act: Act['do']): boolean => asked(act).some(({ answer }) => answer === false);
    if (end === undefined && refused('revoke')) fault('a revocation was refused for no reason');
    if (end === undefined && refused('redeem') && !isDead && newer.length === 0)
      fault('a redemption was refused for no reason');
  }
  return faults;
}

function minted(act: Act & { do: 'mint' }, id: string, now: number): Link {
  return sampleLink({
    id,
    subject: `user-${act.subject}`,
    supersedes: act.supersedes,
    fingerprint: 'right',
    idempotencyKey: act.key === null ? null : `key-${act.key}`,
    createdAt: now,
    issuedAt: now,
    expiresAt: now + LIFE,
  });
}

const endOf = (row: Row | undefined): Known['ended'] =>
  row?.redeemed_at ? 'redeemed' : row?.revoked_at ? 'revoked' : undefined;
const supersedes = (newer: Link, older: Link): boolean =>
  newer.supersedes && newer.subject === older.subject && newer.id > older.id;

const questionFor = ({ id, app, purpose }: Link, fingerprint: string, now: number) => ({
  id,
  app,
  purpose,
  fingerprint,
  challenge: null,
  challengeRequired: false,
  redeemKey: null,
  now,
});
