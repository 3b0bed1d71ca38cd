import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Unavailable } from '../../src/links/errors.js';
import type { Link } from '../../src/links/link.js';
import { LinkIds } from '../../src/links/link-ids.js';
import type { Database } from '../../src/storage/engines.js';
import { GroupCommit } from '../../src/storage/group-commit.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { tell } from '../faults/size.js';
import { startPostgres } from '../support/postgres.js';
import {
  burst,
  endOf,
  faultsOf,
  INSTANCES,
  minted,
  supersedes,
  type Act,
  type Burst,
  type Call,
  type Known,
  type Row,
} from './model.js';
import { Mortal } from './mortal.js';

/**
 * Bursts of concurrent mints, redemptions, revocations and resends through two instances, one of which may die in the
 * middle, with time passing in between, against a model that does one thing after the other. Whatever the interleaving,
 * each answer must be one that some order explains, each effect must happen once, nothing that was answered may be
 * forgotten, and what was not answered happened as a whole or not at all. (Real deaths are the matter of test/faults.)
 *
 * `MODEL=full` plays as many histories on every engine; else fewer where statements take longer, the model being the same.
 */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 2_000);
const FULL = process.env['MODEL'] === 'full';
const RUNS_ON_FILE = FULL ? RUNS : Math.ceil(RUNS / 50);
const RUNS_ON_POSTGRES = FULL ? RUNS : Math.ceil(RUNS / 20);
const SEED = Number(process.env['MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
tell(`seed ${SEED} (MODEL_SEED=${SEED} repeats it)`);

test(
  `sqlite, in memory: ${RUNS} random histories agree with the model`,
  () => playOn('sqlite::memory:', RUNS, 1),
  600_000,
);

test(`sqlite, a file with a connection for each instance: ${RUNS_ON_FILE} random histories agree with the model`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-model-'));
  try {
    await playOn(`sqlite:${join(directory, 'oncelink.sqlite')}`, RUNS_ON_FILE);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 1_800_000);

test(`postgres: ${RUNS_ON_POSTGRES} random histories agree with the model`, async () => {
  const postgres = await startPostgres();
  try {
    await playOn(await postgres.createDatabase(), RUNS_ON_POSTGRES);
  } finally {
    await postgres.stop();
  }
}, 1_800_000);

/** How many were answered with yes, with no, and not at all. */
type Tally = Record<Act['do'], [yes: number, no: number, unheard: number]>;

async function playOn(url: string, numRuns: number, connections = INSTANCES): Promise<void> {
  const databases: Database[] = [];
  const tally: Tally = { mint: [0, 0, 0], redeem: [0, 0, 0], revoke: [0, 0, 0], resend: [0, 0, 0] };
  const began = performance.now();
  try {
    while (databases.length < connections) databases.push(await openWithSchema({ url, migrate: true }));
    const histories = fc.asyncProperty(fc.array(burst, { minLength: 1, maxLength: 5 }), (bursts) =>
      playAndCheck(databases, bursts, tally),
    );
    await fc.assert(histories, { numRuns, seed: SEED });
  } finally {
    for (const { dataSource } of databases) await dataSource.destroy();
  }
  const counts = Object.entries(tally).map(([what, numbers]) => `${what} ${numbers.join('/')}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  tell(
    `${url.slice(0, url.indexOf(':'))} (${connections}): ${numRuns} in ${seconds} s; yes/no/unheard: ${counts.join(', ')}`,
  );
}

async function playAndCheck(databases: readonly Database[], bursts: readonly Burst[], tally: Tally): Promise<void> {
  const { dataSource } = databases[0]!;
  await dataSource.query('DELETE FROM links');
  let now = 1_800_000_000_000;
  const ids = new LinkIds(() => now);
  const born = (_: unknown, nth: number) => {
    const mortal = new Mortal(databases[nth % databases.length]!);
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
    if (death) instances[death.of] = born(undefined, death.of);

    const rows = await dataSource.query<Row[]>('SELECT id, redeemed_at, revoked_at, resends, due_at FROM links');
    expect(faultsOf(targets, calls, rows, now)).toEqual([]);
    for (const { act, link } of calls)
      if (act.do === 'mint' && rows.some(({ id }) => id === link.id))
        known.push({ link, ended: undefined, resends: 0, isDue: false });
    for (const one of known) {
      const row = rows.find(({ id }) => id === one.link.id)!;
      Object.assign(one, { ended: endOf(row), resends: Number(row.resends), isDue: row.due_at !== null });
    }
    for (const { act, answer } of calls) tally[act.do][answer === undefined ? 2 : answer ? 0 : 1] += 1;
    now += pause;
  }

  for (const { link, ended, resends } of known) {
    const found = await instances[0]!.store.find('default', link.id);
    expect([found!.redeemedAt !== null, found!.revokedAt !== null]).toEqual([
      ended === 'redeemed',
      ended === 'revoked',
    ]);
    expect(found!.delivery.resends).toBe(resends);
    expect(found!.superseded).toBe(known.some((other) => supersedes(other.link, link)));
  }
}

/** @returns what the store says, or undefined if it says nothing */
async function ask(store: SqlLinkStore, { act, link }: Call, now: number): Promise<boolean | undefined> {
  try {
    if (act.do === 'mint') return (await store.insert(link, { quietSince: null, windows: [] })) === true;
    if (act.do === 'resend')
      return await store.requeue(link, { quietSince: null, windows: [] }, { now, deliverBy: now + 1_000 });
    if (act.do === 'revoke') return (await store.revoke('default', { id: link.id }, now)) === 1;
    return (await store.redeem(questionFor(link, act.fingerprint, now))) !== undefined;
  } catch (error) {
    // It died, or the database was too busy for an answer: nobody was told what became of it.
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}

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
