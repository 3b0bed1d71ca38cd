import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWithSchema } from '../../src/storage/storage.module.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { linkStoreExam } from '../../src/testing.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

/** Each engine sits the same exam, on a real database that is empty for every case. */
describe('sqlite', () => {
  let directory: string;
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'oncelink-exam-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  let file = 0;
  sitExam(async () => `sqlite:${join(directory, `${file++}.sqlite`)}`);
});

describe('postgres', () => {
  let postgres: Postgres;
  beforeAll(async () => void (postgres = await startPostgres()), 60_000);
  afterAll(() => postgres.stop());
  sitExam(() => postgres.createDatabase());
});

function sitExam(createDatabase: () => Promise<string>): void {
  test.each(linkStoreExam.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const database = await openWithSchema({ url: await createDatabase(), migrate: true });
    try {
      await run(new SqlLinkStore(database));
    } finally {
      await database.dataSource.destroy();
    }
  });
}
