import { eventually } from '../support/service.js';
import { within } from '../support/within.js';
import type { Crash } from './history.js';
import { crashSince, instancesOf, KILLABLE, type Instance } from './instance.js';
import { judge } from './judge.js';
import { Load } from './load.js';
import { MailSink } from './mail-sink.js';
import { PostgresServer } from './postgres-server.js';
import { Chance } from './random.js';
import { sized, tell } from './size.js';

/**
 * Where a process can die between a promise and its keeping, in the order of a link's life; `killable-service.mjs` knows
 * what each means. Neighbours are no synonyms: between the letter's last byte and the relay's yes the relay may still say
 * no, and between hearing the yes and settling, an outcome waits for others to be written with.
 */
const POINTS = [
  'before insert',
  'after insert',
  'before claim',
  'after claim',
  'before hand-over',
  'after hand-over',
  'before the 250',
  'after the 250',
  'before settle',
  'after settle',
  'before redeem',
  'after redeem',
];
/** With two instances, who all have to be born again, the short form has every second. */
const AFTER = POINTS.filter((point) => point.startsWith('after'));
const ROUNDS = sized(1, 3);
const PATIENCE = sized(600_000, 1_800_000);

test('sqlite: killed at every point', () => killedAt(POINTS, 1, {}), PATIENCE);

test(
  'postgres: one of two instances is killed after each step; in the long form, at every point',
  async () => {
    const postgres = await PostgresServer.start();
    try {
      await killedAt(sized(AFTER, POINTS), 2, { DATABASE_URL: await postgres.createDatabase('points') });
    } finally {
      await postgres.stop();
    }
  },
  PATIENCE,
);

/** @param instances the first dies, again and again; the others have what it leaves behind */
async function killedAt(points: readonly string[], instances: number, settings: Record<string, string>): Promise<void> {
  const chance = new Chance();
  const sink = await MailSink.start();
  const all = await instancesOf(instances, { SMTP_URL: sink.url, ...settings });
  const [victim, ...survivors] = all as [Instance, ...Instance[]];
  const load = new Load(
    all.map(({ url }) => url),
    sink,
    chance,
    // Whoever has bad luck asks in vain through several deaths and births in a row.
    { racers: 3, minters: 6, patience: PATIENCE / 4_000 },
  );
  try {
    for (const survivor of survivors) await survivor.start();
    load.start();
    const hit: string[] = [];
    const crashes: Crash[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const point of points) {
        // Nobody else kills it: the signal is its own, so the point was reached.
        const from = performance.now();
        victim.launch({ KILL_AT: point, KILL_AFTER: String(chance.below(20)) }, KILLABLE);
        if ((await reached(point, victim)) === 'SIGKILL') hit.push(point);
        crashes.push(crashSince(from));
      }
    }
    expect(hit).toEqual(Array.from({ length: ROUNDS }).flatMap(() => points));
    await victim.start();
    const enough = load.minted.length + 50;
    await eventually(() => load.minted.length >= enough || load.hasGoneWrong, 30);
    await load.stop();
    const { faults, figures } = judge(await load.history(crashes));
    tell(JSON.stringify(figures));
    expect(faults).toEqual([]);
  } finally {
    await load.stop();
    for (const instance of all) await instance.discard();
    await sink.stop();
  }
}

/** A birth beside others takes long on a busy machine; whoever is still alive after a minute did not get there. */
async function reached(point: string, victim: Instance): Promise<unknown> {
  return within(60, victim.ended).catch((cause) => {
    throw new Error(`it was never ${point}`, { cause });
  });
}
