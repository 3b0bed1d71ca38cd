import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/service.js';
import { Api, type Held } from './api.js';
import { HttpClient } from './http-client.js';
import { instancesOf, type Instance } from './instance.js';
import { tell } from './size.js';

/** A file system of a few megabytes, which takes the right to mount one. */
function smallDisk(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-disk-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'oncelink-test', directory]);
  if (mount.status === 0) return directory;
  rmSync(directory, { recursive: true });
  return undefined;
}

const disk = smallDisk();
const whereMountable = disk === undefined ? test.skip : test;
if (disk === undefined) tell('SKIPPED: the disk-full test needs the right to mount a tmpfs (run it as root)');
afterAll(() => {
  if (disk === undefined) return;
  spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

whereMountable(
  'the disk is full: writes are answered 503, reads go on, and with room again it works again',
  async () => {
    const [instance] = (await instancesOf(1, { DATABASE_URL: `sqlite:${join(disk!, 'oncelink.sqlite')}` })) as [
      Instance,
    ];
    const client = new HttpClient();
    const api = new Api(instance.url, client);
    const filler = join(disk!, 'filler');
    try {
      await instance.start();
      const links: Held[] = [];
      for (let n = 0; n < 20; n++) links.push(await api.mintReturned());

      const { bavail, bsize } = statfsSync(disk!);
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
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

      rmSync(filler);
      await eventually(async () => (await mintMuch(api))?.status === 201, 5);
      expect((await api.redeem(links[0]!.token, 'a-key'))?.status).toBe(200);
      const others = await Promise.all(links.slice(1).map(({ token }) => api.redeem(token)));
      expect(others.map((reply) => reply?.status)).toEqual(others.map(() => 200));
    } finally {
      client.close();
      await instance.discard();
    }
  },
  60_000,
);

/** A link with much to keep fills what room is left in few steps. */
function mintMuch(api: Api) {
  return api.mint({ delivery: 'return', data: { much: 'x'.repeat(4000) } });
}
