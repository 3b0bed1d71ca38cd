import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/service.js';
import { Api, type Held } from './api.js';
import { HttpClient, type Reply } from './http-client.js';
import { instancesOf, type Instance } from './instance.js';
import { judge } from './judge.js';
import { Load } from './load.js';
import { MailSink } from './mail-sink.js';
import { PostgresServer } from './postgres-server.js';
import { Chance } from './random.js';
import { sized, tell } from './size.js';

/** How long PostgreSQL's disk stays full, in seconds. */
const STAYS_FULL = sized(3, 60);
/** The contract says "within 2 s", to which the long form holds it; the rest is for a busy machine. In ms. */
const BOUND = sized(3_000, 2_000);

/** A file system of a few megabytes, which takes the right to mount one. */
function smallDisk(megabytes: number): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-disk-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'oncelink-test', directory]);
  if (mount.status === 0) return directory;
  rmSync(directory, { recursive: true });
  return undefined;
}

/** Leaves no room, whatever others write meanwhile. @returns what makes room again */
function fill(disk: string): () => void {
  const filler = join(disk, 'filler');
  const block = Buffer.alloc(256 * 1024);
  try {
    for (;;) appendFileSync(filler, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return () => rmSync(filler);
  }
}

const disk = smallDisk(4);
/** An empty database of PostgreSQL takes 8 MB. */
const postgresDisk = disk && smallDisk(24);
const whereMountable = postgresDisk === undefined ? test.skip : test;
if (postgresDisk === undefined) tell('SKIPPED: the disk-full tests need the right to mount a tmpfs (run them as root)');
afterAll(() => {
  for (const mounted of [disk, postgresDisk]) {
    if (mounted === undefined) continue;
    spawnSync('umount', [mounted]);
    rmSync(mounted, { recursive: true });
  }
});

whereMountable(
  'the disk is full: writes are answered 503, reads go on, and with room again it works again',
  async () => {
    const [instance] = (await instancesOf(1, { DATABASE_URL: `sqlite:${join(disk!, 'oncelink.sqlite')}` })) as [
      Instance,
    ];
    const client = new HttpClient();
    const api = new Api(instance.url, client);
    try {
      await instance.start();
      const links: Held[] = [];
      for (let n = 0; n < 20; n++) links.push(await api.mintReturned());

      const makeRoom = fill(disk!);
      // The log may still have a little room of its own, so some mints more are good; then none is.
      await eventually(async () => (await mintMuch(api))?.status === 503, 20);
      const refused = await mintMuch(api);
      expect([refused?.status, refused?.body?.code, refused?.retryAfter]).toEqual([503, 'unavailable', '1']);
      const redeemed = await api.redeem(links[0]!.token, 'a-key');
      expect([200, 503]).toContain(redeemed?.status);
      for (const { id, token } of links.slice(1)) {
        expect((await api.link(id))?.status).toBe(200);
        expect((await api.inspect(token))?.status).toBe(200);
      }
      expect(instance.isRunning).toBe(true);

      makeRoom();
      await eventually(async () => (await mintMuch(api))?.status === 201, 5);
      expect((await api.redeem(links[0]!.token, 'a-key'))?.status).toBe(200);
      const others = await Promise.all(links.slice(1).map(({ token }) => api.redeem(token)));
      expect(others.map((reply) => reply?.status)).toEqual(others.map(() => 200));
    } finally {
      client.close();
      await instance.discard();
    }
  },
  120_000,
);

whereMountable(
  "PostgreSQL's disk is full: writes are answered 503 in time, nothing is decided twice, and with room again it goes on",
  async () => {
    const postgres = await PostgresServer.start();
    const sink = await MailSink.start();
    const DATABASE_URL = await postgres.createDatabase('small', postgresDisk);
    const [instance] = (await instancesOf(1, { DATABASE_URL, SMTP_URL: sink.url })) as [Instance];
    // It asks for longer than there is no room: whoever gave up before would never have had an answer.
    const load = new Load([instance.url], sink, new Chance(), { racers: 3, minters: 6, patience: STAYS_FULL + 60 });
    const client = new HttpClient();
    const api = new Api(instance.url, client);
    const mine: Held[] = [];
    const enough = async (): Promise<void> => {
      const more = load.minted.length + 100;
      await eventually(() => load.minted.length >= more || load.hasGoneWrong, 60);
    };
    try {
      await instance.start();
      for (let n = 0; n < 10; n++) mine.push(await api.mintReturned());
      const links = [...mine];
      load.start();
      await enough();

      const makeRoom = fill(postgresDisk!);
      // Pages that were begun still have room, also for what is updated; so some writes are good until the end.
      await eventually(async () => {
        const reply = await mintMuch(api);
        if (reply?.status === 201) mine.push(reply.body as Held);
        return reply?.status === 503;
      }, 30);
      await expect(postgres.query(MORE_ROOM, 'small')).rejects.toMatchObject({ code: '53100' });
      const { writes, reads } = await askOnAndOn(api, links).finally(makeRoom);
      mine.push(...writes.filter((reply) => reply?.status === 201).map((reply) => reply!.body as Held));
      const took = [...writes, ...reads].map((reply) => reply?.took ?? Infinity);
      const refused = writes.filter((reply) => reply?.status === 503);
      tell(
        `${writes.length} writes while it was full, ${refused.length} refused, each answered within ${Math.round(Math.max(...took))} ms`,
      );
      expect(refused.length).toBeGreaterThan(0);
      expect(writes.map(meaning).filter((one) => !['done', 'unavailable,1'].includes(one))).toEqual([]);
      expect([...new Set(reads.map((reply) => reply?.status))]).toEqual([200]);
      expect(Math.max(...took)).toBeLessThan(BOUND);

      await enough();
      const again = await Promise.all(links.map(({ token, id }) => api.redeem(token, id)));
      expect(again.map((reply) => reply?.status)).toEqual(links.map(() => 200));
      const once = await Promise.all(links.map(({ token }) => api.redeem(token)));
      expect(once.map((reply) => reply?.body.code)).toEqual(links.map(() => 'link_redeemed'));
      await load.stop();
      const history = await load.history([]);
      const others = new Set(mine.map(({ id }) => id));
      const { faults, figures } = judge({ ...history, reported: history.reported.filter(({ id }) => !others.has(id)) });
      tell(JSON.stringify(figures));
      expect(faults).toEqual([]);
      const kept = new Set(history.reported.map(({ id }) => id));
      expect(mine.filter(({ id }) => !kept.has(id))).toEqual([]);
    } finally {
      await load.stop();
      client.close();
      await instance.discard();
      await sink.stop();
      await postgres.stop();
    }
  },
  (STAYS_FULL + 180) * 1000,
);

/** Takes a page that is not there yet, and asks for nothing else. */
const MORE_ROOM = 'CREATE TABLE more AS SELECT 1 AS one';

/** Asks for what takes much room and for what takes little, and reads, for as long as the disk is full. */
async function askOnAndOn(
  api: Api,
  links: readonly Held[],
): Promise<Record<'writes' | 'reads', (Reply | undefined)[]>> {
  const writes: (Reply | undefined)[] = [];
  const reads: (Reply | undefined)[] = [];
  const end = performance.now() + STAYS_FULL * 1000;
  while (performance.now() < end) {
    const round = links.map(async ({ token, id }) => {
      const asked = [mintMuch(api), api.mint({ delivery: 'return' }), api.redeem(token, id), api.link(id)];
      const [much, little, redeemed, ...rest] = await Promise.all(asked);
      writes.push(much, little, redeemed);
      reads.push(...rest);
    });
    await Promise.all(round);
  }
  return { writes, reads };
}

function meaning(reply: Reply | undefined): string {
  if (reply && reply.status < 300) return 'done';
  return reply ? `${reply.body?.code},${reply.retryAfter}` : 'no answer';
}

/** A link with much to keep, and no way to keep it shorter, fills what room is left in few steps. */
function mintMuch(api: Api) {
  return api.mint({ delivery: 'return', data: { much: randomBytes(3000).toString('base64') } });
}
