import { Unavailable } from '../../src/links/errors.js';
import { migrateDatabase, openWithSchema } from '../../src/storage/schema.js';
import { openLinkStore } from '../../src/storage/stores.js';
import { patiently } from '../../src/storage/patiently.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

let postgres: Postgres;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
afterAll(() => postgres?.stop());

test('a start that is deaf while it reads templates hears the database all the same', async () => {
  const url = await postgres.createDatabase();
  await migrateDatabase(url);
  const database = await openWithSchema({ url, migrate: false });
  try {
    const opening = openLinkStore(database, undefined);
    // Longer than a request waits for an answer.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    expect(await (await opening).find('default', 'nobody')).toBeUndefined();
  } finally {
    await database.dataSource.destroy();
  }
}, 60_000);

test('what is no matter of time is not asked again', async () => {
  let asked = 0;
  const wrong = new Error('sealed by another key');
  await expect(
    patiently(async () => {
      asked += 1;
      throw asked === 1 ? new Unavailable() : wrong;
    }),
  ).rejects.toBe(wrong);
  expect(asked).toBe(2);
});
