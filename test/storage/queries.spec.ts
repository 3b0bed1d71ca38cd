import { Unavailable } from '../../src/links/errors.js';
import type { Database } from '../../src/storage/engines.js';
import { Queries } from '../../src/storage/queries.js';
import type { SqliteConnection } from '../../src/storage/sqlite-connection.js';
import { openWithSchema } from '../../src/storage/schema.js';

/** Takes hours, and nothing else of the connection has its turn meanwhile: as if the disk stood still. */
const STANDSTILL = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n';
const NOTE = "INSERT INTO suppressions SELECT 'shop', $1, '*', '', 'hard', 0, NULL";

let database: Database;
let queries: Queries;
let standing: Promise<unknown>;
const connection = (): SqliteConnection =>
  (database.dataSource.driver as unknown as { databaseConnection: SqliteConnection }).databaseConnection;
const noted = async (): Promise<string[]> =>
  (await queries.rows<{ key: string }>('SELECT recipient_key AS key FROM suppressions WHERE app = $1', ['shop'])).map(
    ({ key }) => key,
  );

beforeEach(async () => {
  database = await openWithSchema({ url: 'sqlite::memory:', migrate: true });
  queries = new Queries(database);
  standing = database.dataSource.query(STANDSTILL).catch(() => undefined);
});
afterEach(async () => {
  connection().interrupt();
  await standing;
  await database.dataSource.destroy();
});
const soon = (): number => Date.now() + 20;

test('a disk that stands still: whoever asks is told in time', async () => {
  await expect(queries.rows('SELECT $1 AS one', [1], soon())).rejects.toBeInstanceOf(Unavailable);
});

test('what had not begun when its caller was told is not carried out afterwards; what came in time is', async () => {
  const patient = queries.rows(NOTE, ['patient'], Date.now() + 60_000);
  const late = queries.rows(NOTE, ['late'], soon());
  await expect(late).rejects.toBeInstanceOf(Unavailable);
  connection().interrupt();
  await Promise.all([patient, standing]);
  expect(await noted()).toEqual(['patient']);
});

test('of two alike only the one whose time is over is taken back', async () => {
  const [late, patient] = [queries.rows(NOTE, ['same'], soon()), queries.rows(NOTE, ['same'], Date.now() + 60_000)];
  await expect(late).rejects.toBeInstanceOf(Unavailable);
  connection().interrupt();
  await Promise.all([patient, standing]);
  expect(await noted()).toEqual(['same']);
});
