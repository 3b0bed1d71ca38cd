import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { eventually } from '../support/service.js';
import { Api, type Held } from './api.js';
import { Crowd, type Asked } from './crowd.js';
import { HttpClient, type Reply } from './http-client.js';
import { instancesOf, type Instance } from './instance.js';
import { inParallel } from './load.js';
import { PostgresServer } from './postgres-server.js';
import { FULL, sized, tell } from './size.js';

const SATURATION = 64;
const OVERLOAD = 2_000;
const SECONDS = sized(2, 10);

let instance: Instance;
beforeAll(async () => void ([instance] = (await instancesOf(1, {})) as [Instance]));
beforeAll(() => instance.start(), 60_000);
afterAll(() => instance.discard());

test('far too many requests: every answer is a yes or a 503, nothing acknowledged is lost, and it goes on', async () => {
  const calm = await under(SATURATION);
  const storm = await under(OVERLOAD);
  tell(`${SATURATION} at a time: ${calm.figures}`);
  tell(`${OVERLOAD} at a time: ${storm.figures}`);

  const tally = tallyOf(storm.replies);
  expect(Object.keys(tally).filter((status) => !['200', '201', '503'].includes(status))).toEqual([]);
  expect(storm.replies.filter((reply) => reply?.status === 503 && reply.retryAfter === undefined)).toEqual([]);
  expect(storm.good).toBeGreaterThan(0);

  const client = new HttpClient(SATURATION);
  const api = new Api(instance.url, client);
  await eventually(async () => (await api.mint({ delivery: 'return' }))?.status === 201, 5);
  const held = storm.replies.filter((reply) => reply?.status === 201).map((reply) => reply!.body as Held);
  const lost: string[] = [];
  await inParallel(SATURATION, held, async ({ id }) => {
    if ((await api.link(id))?.status !== 200) lost.push(id);
  });
  client.close();
  expect(lost).toEqual([]);
}, 180_000);

/**
 * Every batch of mints takes at least so long, in s. What is scarce is then the database's time and not that of a busy
 * machine, on which nobody could ask for five times as much as it can do.
 */
const BATCH = 0.5;
const SLOW = `
  CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${BATCH}); RETURN NULL; END $$;
  CREATE TRIGGER slow BEFORE INSERT ON links FOR EACH STATEMENT EXECUTE FUNCTION slow()`;
/** Two full batches, of which one is under way while the other gathers: more cannot be done. */
const ENOUGH = 512;
const TIMES = 5;
/** So many that those of them who wait for an answer are not missed. */
const CROWD = 3_000;
/** How many times as much the crowd would ask for if nobody waited for an answer. */
const PACE = 7;
const ROUNDS = 5;

/** Whether as much is done as before is a matter of time, so it is looked at in the long form only. */
if (FULL)
  test(
    `${TIMES} times as much as can be done: nine tenths of the most is done, and the others are told at once`,
    async () => {
      const postgres = await PostgresServer.start();
      const DATABASE_URL = await postgres.createDatabase('slow');
      await postgres.query(SLOW, 'slow');
      const [slow] = (await instancesOf(1, { DATABASE_URL })) as [Instance];
      let crowd: Crowd | undefined;
      try {
        await slow.start();
        crowd = new Crowd(slow.url);
        const rounds: { peak: Asked; storm: Asked }[] = [];
        // In turn, so that a machine that is slow for a while is so for both. The first turn of each only warms up.
        for (let n = 0; n <= ROUNDS; n++) {
          const peak = await crowd.ask({ callers: ENOUGH, seconds: SECONDS, pause: 0 });
          const pause = (CROWD / (PACE * peak.good)) * 1000;
          const storm = await crowd.ask({ callers: CROWD, seconds: SECONDS, pause });
          if (n > 0) rounds.push({ peak, storm });
          tell(`${Math.round(peak.good)}/s at most; of ${Math.round(storm.asked)}/s: ${JSON.stringify(storm)}`);
        }
        const answers = rounds.flatMap(({ peak, storm }) => [
          ...Object.keys(peak.statuses),
          ...Object.keys(storm.statuses),
        ]);
        expect([...new Set(answers)].sort()).toEqual(['201', '503']);
        expect(median(rounds.map(({ peak, storm }) => storm.asked / peak.good))).toBeGreaterThanOrEqual(TIMES);
        expect(median(rounds.map(({ peak, storm }) => storm.good / peak.good))).toBeGreaterThanOrEqual(0.9);
        expect(median(rounds.map(({ storm }) => storm.toldIn.most!))).toBeLessThan(50);
      } finally {
        await crowd?.leave();
        await slow.discard();
        await postgres.stop();
      }
    },
    ((ROUNDS + 1) * SECONDS * 2 + 300) * 1000,
  );

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** How many connections this system lets wait to be accepted; 128 where it does not say. */
const SOMAXCONN = existsSync('/proc/sys') ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1')) : 128;

test('a crowd that comes at once while the process is busy is connected, not told to try again in a second', async () => {
  const crowd = Math.min(1_000, SOMAXCONN);
  if (SOMAXCONN <= 511) console.warn(`only ${SOMAXCONN} connections may wait here: this shows nothing`);
  process.kill(instance.pid, 'SIGSTOP');
  const sockets: Socket[] = [];
  const connected = Array.from({ length: crowd }, async () => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(instance.url).port) });
    sockets.push(socket);
    // Linux sends its first packet again after a second: who needed that is still waiting.
    return new Promise<boolean>((settle) => {
      socket
        .once('connect', () => settle(true))
        .once('error', () => settle(false))
        .setTimeout(900, () => settle(false));
    });
  });
  try {
    expect((await Promise.all(connected)).filter(Boolean)).toHaveLength(crowd);
  } finally {
    process.kill(instance.pid, 'SIGCONT');
    for (const socket of sockets) socket.destroy();
  }
  await instance.ready();
}, 30_000);

/** So many callers, each with a connection of its own, mint and redeem as fast as they are answered. */
async function under(callers: number) {
  const client = new HttpClient(callers, 30_000);
  const api = new Api(instance.url, client);
  const replies: (Reply | undefined)[] = [];
  const began = performance.now();
  const end = began + SECONDS * 1000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < end) {
        const minted = await api.mint({ delivery: 'return' });
        replies.push(minted);
        if (minted?.status === 201) replies.push(await api.redeem((minted.body as Held).token));
      }
    }),
  );
  const took = (performance.now() - began) / 1000;
  client.close();
  const good = replies.filter((reply) => reply && reply.status < 300);
  const shed = replies.filter((reply) => reply?.status === 503);
  const times = (some: (Reply | undefined)[]): string =>
    `p50 ${quantile(some, 0.5)} ms, p99 ${quantile(some, 0.99)} ms`;
  const figures = `${Math.round(good.length / took)} good answers/s (${times(good)}), ${shed.length} shed (${times(shed)})`;
  return { replies, good: good.length, figures };
}

function tallyOf(replies: readonly (Reply | undefined)[]): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const reply of replies) tally[reply?.status ?? 'no answer'] = (tally[reply?.status ?? 'no answer'] ?? 0) + 1;
  return tally;
}

function quantile(replies: readonly (Reply | undefined)[], part: number): number | string {
  const times = replies.map((reply) => reply!.took).sort((a, b) => a - b);
  const at = times[Math.floor(times.length * part)];
  return at === undefined ? '-' : Math.round(at);
}
