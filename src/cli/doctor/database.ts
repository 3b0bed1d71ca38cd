import type { DataSource } from 'typeorm';
import { openDatabase, type Database } from '../../storage/engines.js';
import { DataKeys } from '../../storage/data-keys.js';
import { isOutOfDate } from '../../storage/schema.js';
import { dataKeysFault } from '../../storage/stores.js';
import { isMissing } from '../database.js';
import { reasonOf } from '../failure.js';
import { settingsFor } from '../settings-for.js';
import { SqlAppStore } from '../../storage/sql-app-store.js';
import { checkApps } from './apps.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** Whether the database can be reached, keeps what it says it keeps, has the tables, and somebody to serve. */
export async function* checkDatabase(): AsyncIterable<Finding> {
  const { databaseUrl, production } = settingsFor(['databaseUrl']);
  if (isMissing(databaseUrl)) {
    yield warn('database', 'the file does not exist yet; `oncelink migrate` or the first start makes it');
    return;
  }
  let database: Database;
  try {
    database = await openDatabase(databaseUrl);
  } catch (error) {
    yield fail('database', `${reasonOf(error)}; check DATABASE_URL and that the database runs`);
    return;
  }
  try {
    yield ok('database', `${database.dialect.name === 'sqlite' ? 'SQLite' : 'PostgreSQL'} answers`);
    yield* checkDurability(database);
    yield* checkClock(database);
    if (await isOutOfDate(database)) {
      const byItself = !production || database.dialect.name === 'sqlite';
      yield byItself
        ? warn('schema', 'out of date; the next start or `oncelink migrate` brings it up to date')
        : fail('schema', 'out of date; run `oncelink migrate`, the service refuses to start before');
    } else {
      yield ok('schema', 'up to date');
      yield* checkDataKeys(database);
      yield* checkApps(new SqlAppStore(database));
    }
  } finally {
    await database.dataSource.destroy();
  }
}

/** Whether what was sealed opens, and is found again. */
async function* checkDataKeys(database: Database): AsyncIterable<Finding> {
  const { dataKeys } = settingsFor(['dataKeys']);
  const fault = await dataKeysFault(database, dataKeys ?? DataKeys.none);
  if (fault) yield fail('data keys', fault);
  else if (dataKeys) yield ok('data keys', 'they open what was sealed last');
}

/** Opening has refused what would lose acknowledged writes; this says what is in force, and what only weakens a server. */
async function* checkDurability({ dataSource, dialect }: Database): AsyncIterable<Finding> {
  if (dialect.name === 'sqlite') {
    yield ok('durability', 'WAL, synchronous=FULL');
    return;
  }
  const commit = await read(dataSource, 'SHOW synchronous_commit');
  const pages = await read(dataSource, 'SHOW full_page_writes');
  yield pages === 'on'
    ? ok('durability', `fsync=on, synchronous_commit=${commit}`)
    : warn('durability', 'full_page_writes=off; a crash can tear pages unless the disk writes them whole');
}

/** Instances share the database's view of time only if theirs agree: ids tell which link is the newest. */
async function* checkClock({ dataSource, dialect }: Database): AsyncIterable<Finding> {
  if (!dialect.remote) return;
  const asked = Date.now();
  const theirs = Number(await read(dataSource, 'SELECT extract(epoch FROM clock_timestamp()) * 1000'));
  yield judgeClock(theirs, asked, Date.now());
}

/** @param theirs the database's time, somewhen between ours when we `asked` and when it was `answered`; ms */
export function judgeClock(theirs: number, asked: number, answered: number): Finding {
  const seconds = Math.max(0, theirs - answered, asked - theirs) / 1000;
  if (seconds <= 1) return ok('clock', "agrees with the database's");
  const off = `${seconds.toFixed(1)} s ${theirs > answered ? 'behind' : 'ahead of'} the database's; let NTP set both`;
  return seconds > 30 ? fail('clock', off) : warn('clock', off);
}

/** @returns the only column of the only row */
async function read(dataSource: DataSource, sql: string): Promise<string> {
  const [row] = await dataSource.query<Record<string, unknown>[]>(sql);
  return String(Object.values(row!)[0]);
}
