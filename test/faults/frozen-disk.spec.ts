import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/service.js';
import { Api, type Held } from './api.js';
import { HttpClient, type Reply } from './http-client.js';
import { instancesOf, type Instance } from './instance.js';
import { sized, tell } from './size.js';

/** How long the disk stands still, in seconds. */
const FROZEN = sized(5, 60);
/** The contract says "within 2 s", to which the long form holds it; the rest is for a busy machine. In ms. */
const BOUND = sized(3_000, 2_000);

const run = (command: string, ...words: string[]): boolean => spawnSync(command, words).status === 0;

/** A file system of its own, which can be frozen: whoever writes there waits. It takes the right to mount one. */
class Disk {
  readonly path: string;

  private constructor(private readonly home: string) {
    this.path = join(home, 'disk');
  }

  static mount(): Disk | undefined {
    const home = mkdtempSync(join(tmpdir(), 'oncelink-frozen-'));
    const image = join(home, 'image');
    writeFileSync(image, '');
    truncateSync(image, 64 * 1024 * 1024);
    const disk = new Disk(home);
    mkdirSync(disk.path);
    const mounted = run('mkfs.ext4', '-q', image) && run('mount', '-o', 'loop', image, disk.path);
    if (mounted && disk.freeze() && disk.thaw()) return disk;
    disk.discard();
    return undefined;
  }

  freeze = (): boolean => run('fsfreeze', '--freeze', this.path);
  thaw = (): boolean => run('fsfreeze', '--unfreeze', this.path);

  discard(): void {
    run('umount', this.path);
    rmSync(this.home, { recursive: true, force: true });
  }
}

const disk = Disk.mount();
const whereMountable = disk === undefined ? test.skip : test;
if (disk === undefined)
  tell('SKIPPED: the frozen-disk test needs mkfs.ext4, fsfreeze and the right to mount (run it as root)');
afterAll(() => disk?.discard());

whereMountable(
  'the disk stands still: everybody who needs the database is told 503 in time, nothing is decided twice, and it goes on by itself',
  async () => {
    const [instance] = (await instancesOf(1, { DATABASE_URL: `sqlite:${join(disk!.path, 'oncelink.sqlite')}` })) as [
      Instance,
    ];
    const client = new HttpClient(128);
    const api = new Api(instance.url, client);
    try {
      await instance.start();
      const links = await Promise.all(Array.from({ length: 20 }, () => api.mintReturned()));
      const [asked, untouched] = [links.slice(0, 10), links.slice(10)];

      disk!.freeze();
      const replies = await askOnAndOn(api, asked).finally(disk!.thaw);
      const slowest = Math.max(...replies.map((reply) => reply?.took ?? Infinity));
      tell(`${replies.length} requests while the disk stood still, each answered within ${Math.round(slowest)} ms`);
      expect([...new Set(replies.map((reply) => [reply?.status, reply?.body?.code].join()))]).toEqual([
        '503,unavailable',
      ]);
      expect(slowest).toBeLessThan(BOUND);

      await eventually(async () => (await api.mint())?.status === 201, 5);
      // Whether a redemption that was under way was written, nobody was told; the same caller learns it now.
      const again = await Promise.all(asked.map(({ token, id }) => api.redeem(token, id)));
      expect(again.map((reply) => reply?.status)).toEqual(asked.map(() => 200));
      const once = await Promise.all(asked.map(({ token }) => api.redeem(token)));
      expect(once.map((reply) => reply?.body.code)).toEqual(asked.map(() => 'link_redeemed'));
      const others = await Promise.all(untouched.map(({ token }) => api.redeem(token)));
      expect(others.map((reply) => reply?.status)).toEqual(untouched.map(() => 200));
    } finally {
      client.close();
      await instance.discard();
    }
  },
  (FROZEN + 60) * 1000,
);

async function askOnAndOn(api: Api, links: readonly Held[]): Promise<(Reply | undefined)[]> {
  const replies: (Reply | undefined)[] = [];
  const end = performance.now() + FROZEN * 1000;
  // The first write may still find room in what needs no disk.
  await api.mint({ delivery: 'return' });
  while (performance.now() < end) {
    const round = links.map(({ token, id }) =>
      Promise.all([
        api.mint(),
        api.mint({ delivery: 'return' }),
        api.redeem(token, id),
        api.link(id),
        api.inspect(token),
      ]),
    );
    replies.push(...(await Promise.all(round)).flat());
  }
  return replies;
}
