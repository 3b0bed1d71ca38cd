import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataKeys } from '../../src/storage/data-keys.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { openLinkStore, openMessageStore } from '../../src/storage/stores.js';
import { LinkIds } from '../../src/links/link-ids.js';
import { linkStoreExam, messageStoreExam, sampleLink } from '../../src/testing.js';
import { dataKeys } from '../support/data-keys.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

/** Each engine sits the same exam, on a real database that is empty for every case. */
// `better-sqlite3` is the way off the archived `sqlite3`: the same file, the same exam.
describe.each(['sqlite', 'better-sqlite3'])('%s', (scheme) => {
  let directory: string;
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'oncelink-exam-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  let file = 0;
  sitExam(async () => `${scheme}:${join(directory, `${file++}.sqlite`)}`);

  if (scheme === 'sqlite')
    describe('sealed', () => sitExam(async () => `${scheme}:${join(directory, `${file++}.sqlite`)}`, dataKeys('only')));

  test('the file is durable: WAL and synchronous=FULL', async () => {
    const { dataSource } = await openWithSchema({
      url: `${scheme}:${join(directory, 'durable.sqlite')}`,
      migrate: true,
    });
    const [[mode], [synchronous]] = await Promise.all([
      dataSource.query('PRAGMA journal_mode'),
      dataSource.query('PRAGMA synchronous'),
    ]);
    await dataSource.destroy();
    expect({ ...mode, ...synchronous }).toEqual({ journal_mode: 'wal', synchronous: 2 });
  });
});

test("a file that one driver wrote is the other one's, too", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-exam-'));
  const link = sampleLink();
  const inStore = async <Answer>(scheme: string, ask: (store: SqlLinkStore) => Promise<Answer>): Promise<Answer> => {
    const database = await openWithSchema({ url: `${scheme}:${join(directory, 'one.sqlite')}`, migrate: true });
    return ask(new SqlLinkStore(database)).finally(() => database.dataSource.destroy());
  };
  await inStore('sqlite', (store) => store.insert(link, { quietSince: null, windows: [] }));
  expect((await inStore('better-sqlite3', (store) => store.find('default', link.id)))?.subject).toBe(link.subject);
  rmSync(directory, { recursive: true, force: true });
});

describe('postgres', () => {
  let postgres: Postgres;
  beforeAll(async () => void (postgres = await startPostgres()), 60_000);
  afterAll(() => postgres.stop(), 120_000);
  sitExam(() => postgres.createDatabase());
  describe('sealed', () => sitExam(() => postgres.createDatabase(), dataKeys('only')));

  test('several instances on one database: each link has one winner, and each limit holds', async () => {
    const url = await postgres.createDatabase();
    const databases = [await openWithSchema({ url, migrate: true })];
    for (let n = 0; n < 2; n++) databases.push(await openWithSchema({ url, migrate: false }));
    try {
      const stores = databases.map((database) => new SqlLinkStore(database));
      const now = Date.now();
      const windows = [{ by: 'recipient', since: now - 3_600_000, count: 5 } as const];
      const times = { createdAt: now, issuedAt: now, expiresAt: now + 600_000 };
      const ids = new LinkIds(() => now);
      const mint = (recipient: string) => (store: SqlLinkStore) =>
        store.insert(sampleLink({ id: ids.next(), recipient, ...times }), { quietSince: null, windows });
      for (let round = 0; round < 10; round++) {
        const mints = Array.from({ length: 4 }).flatMap(() => stores.map(mint(`ann-${round}@example.com`)));
        expect((await Promise.all(mints)).filter(Boolean)).toHaveLength(5);
      }
      for (const by of ['subject', 'client', 'app', 'service'] as const) {
        const guard = { quietSince: null, client: by, windows: [{ by, since: now - 3_600_000, count: 3 }] };
        const before = await stores[0]!.list('default', {}, { limit: 200 }, now);
        if (by === 'service') guard.windows[0]!.count += before.length;
        const mints = Array.from({ length: 4 }).flatMap(() =>
          stores.map((store) =>
            store.insert(sampleLink({ id: ids.next(), subject: `all-${by}`, supersedes: false, ...times }), guard),
          ),
        );
        const minted = (await Promise.all(mints)).filter(Boolean).length;
        expect([by, minted]).toEqual([by, 3]);
      }

      const links = await stores[0]!.list('default', {}, { limit: 50 }, now);
      const races = Array.from({ length: 6 }).flatMap(() =>
        links.flatMap(({ id, app, purpose }) =>
          stores.map((store) =>
            store.redeem({
              id,
              app,
              purpose,
              fingerprint: null,
              challenge: null,
              challengeRequired: false,
              redeemKey: null,
              now,
            }),
          ),
        ),
      );
      const wins = (await Promise.all(races)).filter((link) => link !== undefined);
      expect(wins.map(({ id }) => id).sort()).toEqual(links.map(({ id }) => id).sort());
    } finally {
      for (const { dataSource } of databases) await dataSource.destroy();
    }
  });
});

function sitExam(createDatabase: () => Promise<string>, keys?: DataKeys): void {
  test.each(linkStoreExam.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const database = await openWithSchema({ url: await createDatabase(), migrate: true });
    try {
      await run(await openLinkStore(database, keys));
    } finally {
      await database.dataSource.destroy();
    }
  });
  test.each(messageStoreExam.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const database = await openWithSchema({ url: await createDatabase(), migrate: true });
    try {
      await run(await openMessageStore(database, keys), await openLinkStore(database, keys));
    } finally {
      await database.dataSource.destroy();
    }
  });
}
