import pg from 'pg';
import { Unavailable } from '../../src/links/errors.js';
import { openDatabase, type Database } from '../../src/storage/engines.js';
import { Queries } from '../../src/storage/queries.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { sampleLink } from '../../src/testing.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { eventually } from '../support/service.js';
import { Wire } from '../support/wire.js';

/** What becomes of a session with PostgreSQL after an error: one that is no longer good must not answer for ever. */
let postgres: Postgres;
let url: string;
let database: Database;
let queries: Queries;
let store: SqlLinkStore;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
afterAll(() => postgres.stop());
beforeEach(async () => {
  url = await postgres.createDatabase();
  database = await openWithSchema({ url, migrate: true });
  queries = new Queries(database);
  store = new SqlLinkStore(database);
});
afterEach(() => database.dataSource.destroy());

const FREE = { quietSince: null, windows: [] };
const mint = (): Promise<boolean | 'suppressed'> => store.insert(sampleLink(), FREE);
/** The pool hands out the session that was used last. */
const session = async (): Promise<number> =>
  (await queries.rows<{ pid: number }>('SELECT pg_backend_pid() AS pid', []))[0]!.pid;
const raise = (code: string): Promise<unknown> =>
  queries.rows(`DO $$ BEGIN RAISE 'as a test' USING ERRCODE = '${code}'; END $$`, []);

test.each([
  ['a value that is refused', '22001'],
  ['a constraint', '23505'],
  ['no serial order', '40001'],
  ['a deadlock', '40P01'],
  ['a lock that is not free', '55P03'],
  ['a statement that took too long', '57014'],
])('a session goes on after what was the fault of one statement: %s', async (_name, code) => {
  const before = await session();
  await expect(raise(code)).rejects.toThrow();
  expect(await session()).toBe(before);
});

test.each([
  ['a server that takes no writes', '25006'],
  ['a plan that fits no longer', '0A000'],
  ['a statement that is not prepared', '26000'],
  ['a server that shuts down', '57P01'],
  ['a server that cannot do it now', '57P03'],
  ['whatever nobody thought of', 'XX000'],
])('and is closed after what may be its own: %s', async (_name, code) => {
  const before = await session();
  await expect(raise(code)).rejects.toBeInstanceOf(Unavailable);
  expect(await session()).not.toBe(before);
});

describe('a session that ends while it answers: whoever waits is told, and the next is another', () => {
  test('by a word of the server', async () => {
    const before = await session();
    const asked = queries.rows('SELECT pg_terminate_backend(pg_backend_pid())', []);
    await expect(asked).rejects.toBeInstanceOf(Unavailable);
    expect(await session()).not.toBe(before);
  });

  test('without a word', async () => {
    const far = new URL(url);
    const wire = await Wire.to(Number(far.port || 5432), far.hostname);
    far.host = `127.0.0.1:${wire.port}`;
    const { dataSource, dialect } = await openDatabase(far.href);
    try {
      const over = new Queries({ dataSource, dialect });
      await over.rows('SELECT 1', []);
      const answer = over.rows('SELECT pg_sleep(60)', []).catch((error: unknown) => error);
      await eventually(async () => (await queries.rows(SLEEPING, [])).length > 0);
      wire.reset();
      expect(await answer).toBeInstanceOf(Unavailable);
      expect(await over.rows('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
    } finally {
      await dataSource.destroy();
      await wire.stop();
    }
  });
});

const SLEEPING = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";

test('a server that was demoted under its sessions: the next goes to the one that takes writes', async () => {
  await mint();
  await database.dataSource.query('SET default_transaction_read_only = on');
  await expect(mint()).rejects.toBeInstanceOf(Unavailable);
  expect(await mint()).toBe(true);
});

test('a column that changed its type, and forgotten statements, are a fault once', async () => {
  const link = sampleLink();
  await store.insert(link, FREE);
  const find = () => store.find(link.app, link.id);
  for (const change of ['ALTER TABLE links ALTER COLUMN resends TYPE bigint', 'DEALLOCATE ALL']) {
    await find();
    await database.dataSource.query(change);
    await expect(find()).rejects.toBeInstanceOf(Unavailable);
    expect(await find()).toMatchObject({ id: link.id });
  }
});

describe('whether the database answers, as readiness asks it', () => {
  test('not by a session that takes no writes, and yes by the next that does', async () => {
    const link = sampleLink();
    await store.insert(link, FREE);
    await database.dataSource.query('SET default_transaction_read_only = on');
    await expect(store.newestId()).rejects.toBeInstanceOf(Unavailable);
    expect(await store.newestId()).toBe(link.id);
  });

  test('not while the server takes none at all; and it costs no write', async () => {
    await mint();
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    const change = (value: string) =>
      admin.query(`ALTER DATABASE ${admin.database} SET default_transaction_read_only = ${value}`);
    const written = async (): Promise<string> =>
      (
        await admin.query(
          'SELECT pg_current_xact_id_if_assigned() AS own, pg_snapshot_xmax(pg_current_snapshot()) AS next',
        )
      ).rows[0].next;
    try {
      const before = await written();
      for (let n = 0; n < 5; n++) await store.newestId();
      expect(await written()).toBe(before);
      await change('on');
      await database.dataSource.query('SET default_transaction_read_only = on');
      for (let n = 0; n < 3; n++) await expect(store.newestId()).rejects.toBeInstanceOf(Unavailable);
      await change('off');
      expect(await store.newestId()).toBeDefined();
    } finally {
      await admin.end();
    }
  });
});

test('a session does not grow old: whatever the server has become since is met by a new one', () => {
  const { maxLifetimeSeconds } = database.dataSource.options.extra as { maxLifetimeSeconds: number };
  expect(maxLifetimeSeconds).toBe(600);
});
