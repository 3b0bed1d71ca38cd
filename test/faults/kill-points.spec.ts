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

/** Where a process can die between a promise and its keeping; `killable-service.mjs` knows what each means. */
const POINTS = [
  'before insert',
  'after insert',
  'before claim',
  'after claim',
  'before hand-over',
  'after the 250',
  'after settle',
  'before redeem',
  'after redeem',
];
const ROUNDS = sized(1, 3);
const PATIENCE = sized(600_000, 1_800_000);

test('sqlite: killed at every point', () => killedEverywhere({}), PATIENCE);

test(
  'postgres: killed at every point',
  async () => {
    const postgres = await PostgresServer.start();
    try {
      await killedEverywhere({ DATABASE_URL: await postgres.createDatabase('points') });
    } finally {
      await postgres.stop();
    }
  },
  PATIENCE,
);

async function killedEverywhere(settings: Record<string, string>): Promise<void> {
  const chance = new Chance();
  const sink = await MailSink.start();
  const [victim] = (await instancesOf(1, { SMTP_URL: sink.url, ...settings })) as [Instance];
  const load = new Load([victim.url], sink, chance);
  try {
    load.start();
    const hit: string[] = [];
    const crashes: Crash[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const point of POINTS) {
        // Nobody else kills it: the signal is its own, so the point was reached.
        const from = performance.now();
        victim.launch({ KILL_AT: point, KILL_AFTER: String(chance.below(20)) }, KILLABLE);
        if ((await within(30, victim.ended)) === 'SIGKILL') hit.push(point);
        crashes.push(crashSince(from));
      }
    }
    expect(hit).toEqual(Array.from({ length: ROUNDS }).flatMap(() => POINTS));
    await victim.start();
    const enough = load.minted.length + 50;
    await eventually(() => load.minted.length >= enough || load.hasGoneWrong, 30);
    await load.stop();
    await load.confirmWins();
    const { faults, figures } = judge(await load.history(crashes));
    tell(JSON.stringify(figures));
    expect(faults).toEqual([]);
  } finally {
    await load.stop();
    await victim.discard();
    await sink.stop();
  }
}
