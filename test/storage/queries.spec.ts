import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elapsed } from '../../src/clock.js';
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
/** On a busy machine the statement may not even have begun when it is interrupted for the first time. */
async function end(): Promise<void> {
  const interrupting = setInterval(() => connection().interrupt(), 5);
  await standing;
  clearInterval(interrupting);
}
afterEach(async () => {
  await end();
  await database.dataSource.destroy();
});
const soon = (): number => elapsed() + 20;

test('a disk that stands still: whoever asks is told in time', async () => {
  await expect(queries.rows('SELECT $1 AS one', [1], soon())).rejects.toBeInstanceOf(Unavailable);
});

test('nor does a clock that was set back by an hour keep anybody waiting', async () => {
  const asked = queries.rows('SELECT $1 AS one', [1], soon());
  const set = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
  try {
    await expect(asked).rejects.toBeInstanceOf(Unavailable);
    await expect(queries.rows('SELECT $1 AS one', [1], soon())).rejects.toBeInstanceOf(Unavailable);
  } finally {
    set.mockRestore();
  }
});

test('what had not begun when its caller was told is not carried out afterwards; what came in time is', async () => {
  const patient = queries.rows(NOTE, ['patient'], elapsed() + 60_000);
  const late = queries.rows(NOTE, ['late'], soon());
  await expect(late).rejects.toBeInstanceOf(Unavailable);
  await end();
  await patient;
  expect(await noted()).toEqual(['patient']);
});

test('an answer that came in time is heard, although we come to it late', async () => {
  await end();
  await queries.rows('SELECT $1 AS one', [1]);
  const deadline = soon();
  const answer = queries.rows('SELECT $1 AS one', [1], deadline);
  // It is on its way within this turn, and carried out on a thread of its own while nothing of ours has one.
  for (let step = 0; step < 50; step++) await Promise.resolve();
  while (elapsed() < deadline + 50);
  expect(await answer).toEqual([{ one: 1 }]);
});

test('of two alike only the one whose time is over is taken back', async () => {
  const [late, patient] = [queries.rows(NOTE, ['same'], soon()), queries.rows(NOTE, ['same'], elapsed() + 60_000)];
  await expect(late).rejects.toBeInstanceOf(Unavailable);
  await end();
  await patient;
  expect(await noted()).toEqual(['same']);
});

/** Another process that holds the write lock until it hears a word, and then leaves a mark. */
const HOLDER = `
  const database = new (require('better-sqlite3'))(process.argv[1]);
  database.exec('BEGIN EXCLUSIVE');
  process.stdout.write('held');
  process.stdin.once('data', () => {
    database.exec('ROLLBACK');
    require('node:fs').writeFileSync(process.argv[2], '');
    process.exit();
  });`;

test('what another process kept out until the time was over is not tried once more when we come to it late', async () => {
  const home = mkdtempSync(join(tmpdir(), 'oncelink-queries-'));
  const [file, mark] = [join(home, 'shared.sqlite'), join(home, 'free')];
  const shared = await openWithSchema({ url: `sqlite:${file}`, migrate: true });
  const holder = spawn(process.execPath, ['-e', HOLDER, file, mark], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(holder, 'close');
  const { databaseConnection } = shared.dataSource.driver as unknown as { databaseConnection: SqliteConnection };
  const tries: number[] = [];
  const run = databaseConnection.run.bind(databaseConnection);
  jest.spyOn(databaseConnection, 'run').mockImplementation((sql, ...rest: unknown[]) => {
    if (sql === NOTE) tries.push(elapsed());
    return run(sql, ...rest);
  });
  try {
    await once(holder.stdout, 'data');
    const asked = new Queries(shared);
    const deadline = elapsed() + 300;
    const late = asked.rows(NOTE, ['late'], deadline).catch((error: unknown) => error);
    // The connection does one thing at a time: the write has been refused when this has its answer.
    await asked.rows('SELECT $1 AS one', [1]);
    // Nothing of ours has its turn until it is too late, and the lock is gone by then.
    holder.stdin.write('go');
    while (elapsed() < deadline + 20 || !existsSync(mark));
    await late;
    // Not what is written: on a slow disk the last try may still be under way, and its outcome is nobody's to know.
    expect(tries.length).toBeGreaterThan(0);
    expect(tries.filter((at) => at > deadline)).toEqual([]);
  } finally {
    holder.stdin.end();
    await gone;
    await shared.dataSource.destroy();
    rmSync(home, { recursive: true });
  }
});
