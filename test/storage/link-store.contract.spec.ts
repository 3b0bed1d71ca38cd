import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataKeys } from '../../src/storage/data-keys.js';
import { openDatabase } from '../../src/storage/engines.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { openLinkStore, openMessageStore } from '../../src/storage/stores.js';
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

  test('what cannot be made durable is refused at start', async () => {
    // A temporary file has no WAL, as a file on a network share has none.
    await expect(openDatabase(`${scheme}:`)).rejects.toThrow(/WAL mode with synchronous=FULL \(it is delete/);
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
