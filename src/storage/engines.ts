import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DataSource, type DataSourceOptions, type MixedList } from 'typeorm';
import { elapsed } from '../clock.js';
import { postgres, sqlite, type Dialect } from './dialects.js';
import { Links1764000000000 } from './migrations/1764000000000-links.js';

export const MIGRATIONS: MixedList<new () => never> = [Links1764000000000 as never];

/** How long PostgreSQL may work on a request's statement, in ms: it gives up before we do. */
const PATIENCE = 1_500;

interface Engine {
  readonly dialect: Dialect;
  /** Drivers are loaded when they are needed: nobody has to have them all. */
  options(url: string, patience: { patient: boolean }): Promise<DataSourceOptions>;
  /** Settings that belong to the connection, and refusal of what would lose acknowledged writes. */
  prepare(dataSource: DataSource, patience: { patient: boolean }): Promise<void>;
}

/** SQLite is used durably or not at all: a lost commit would be a used link that is good again. */
async function makeDurable(dataSource: DataSource, { patient }: { patient: boolean }): Promise<void> {
  // Requests wait for a lock in `Queries`; see there.
  await dataSource.query(`PRAGMA busy_timeout = ${patient ? 60_000 : 0}`);
  await dataSource.query('PRAGMA journal_mode = WAL');
  await dataSource.query('PRAGMA synchronous = FULL');
  const [{ journal_mode: mode }] = await dataSource.query<[{ journal_mode: string }]>('PRAGMA journal_mode');
  const [{ synchronous }] = await dataSource.query<[{ synchronous: number }]>('PRAGMA synchronous');
  if ((mode === 'wal' || mode === 'memory') && synchronous >= 2) return;
  throw new Error(
    `SQLite must run in WAL mode with synchronous=FULL (it is ${mode}, ${synchronous}); put the file on a local disk`,
  );
}

/**
 * What every session with PostgreSQL has, whatever the server's defaults: a commit that is not on disk could be
 * forgotten, and a used link be good again; and what a statement counts must be what is committed when it begins. Every
 * question of ours has its index; reading whole tables is never the better plan.
 */
const SESSION = '-c synchronous_commit=on -c default_transaction_isolation=read\\ committed -c enable_seqscan=off';

/** The URL with these options behind its own, which the driver would take instead; of two on one setting the later counts. */
function withOptions(url: string, options: string): string {
  const full = new URL(url);
  full.searchParams.set('options', `${full.searchParams.get('options') ?? ''} ${options}`.trim());
  return full.href;
}

/** A server may run without flushes, and a pooler in between may keep our settings from it. */
async function requireDurable(dataSource: DataSource): Promise<void> {
  const needed = {
    fsync: /^on$/,
    synchronous_commit: /^(on|remote_apply)$/,
    transaction_isolation: /^read committed$/,
  };
  const settings = Object.keys(needed).map((name) => `current_setting('${name}') AS ${name}`);
  const [session] = await dataSource.query<[Record<string, string>]>(`SELECT ${settings.join(', ')}`);
  const wrong = Object.entries(needed).filter(([name, value]) => !value.test(session[name]!));
  if (wrong.length === 0) return;
  throw new Error(
    `PostgreSQL runs with ${wrong.map(([name]) => `${name}=${session[name]}`).join(', ')}, which would lose acknowledged writes or break limits; turn fsync on at the server, and let a connection pooler pass session settings on`,
  );
}

/** THE ENGINES: URL scheme → data source. Another engine is another line. */
const ENGINES: Record<string, Engine> = {
  sqlite: {
    dialect: sqlite,
    options: async (url) => {
      const { sqliteDriver: driver } = await import('./sqlite-connection.js');
      return { type: 'sqlite', driver, database: filePath(url) };
    },
    prepare: makeDurable,
  },
  // The way off `sqlite3`, which is archived: the same file, another driver, which names its parameters by object.
  'better-sqlite3': {
    dialect: { ...sqlite, bind: (values) => [Object.fromEntries(values.map((value, index) => [index + 1, value]))] },
    options: async (url) => ({ type: 'better-sqlite3', database: filePath(url) }),
    prepare: makeDurable,
  },
  postgres: {
    dialect: postgres,
    options: async (url, { patient }) => ({
      type: 'postgres',
      url: withOptions(url, `${SESSION} -c statement_timeout=${patient ? 0 : PATIENCE}`),
      extra: {
        Client: (await import('./postgres-connection.js')).PostgresConnection,
        connectionTimeoutMillis: PATIENCE,
        ...(!patient && { query_timeout: PATIENCE }),
        max: 10,
        // Behind the same name there may be another server by then.
        maxLifetimeSeconds: 600,
      },
    }),
    prepare: requireDurable,
  },
};
ENGINES.postgresql = ENGINES.postgres!;

function engineOf(url: string): Engine | undefined {
  return ENGINES[url.slice(0, url.indexOf(':'))];
}

/** @returns what is wrong with a database URL, or undefined */
export function databaseUrlFault(url: string): string | undefined {
  if (!engineOf(url)) return `must begin with one of ${Object.keys(ENGINES).join(':, ')}:`;
  const file = fileOf(url);
  if (file === '') return 'needs a path, like sqlite:./data/oncelink.sqlite';
  if (file === undefined && !URL.canParse(url)) return 'is not a URL, like postgres://user@host:5432/database';
  return undefined;
}

/** Processes that start at once stand in each other's way for this long at most, in ms: one turns WAL on or migrates. */
const START_PATIENCE = 15_000;

/** Does a step of the start again while somebody else holds the database; SQLite's own waiting does not cover them all. */
export async function whenFree<Result>({ isBusy }: Dialect, step: () => Promise<Result>): Promise<Result> {
  const until = elapsed() + START_PATIENCE;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!isBusy(error) || elapsed() > until) throw error;
      await pause(20 + 80 * Math.random());
    }
  }
}

export interface Database {
  readonly dataSource: DataSource;
  readonly dialect: Dialect;
}

/**
 * Opens the database; its schema may still be out of date.
 * @param patience whether statements may take as long as they like, as migrations must
 * @throws if it is out of reach or would not be durable
 */
export async function openDatabase(url: string, patience = { patient: false }): Promise<Database> {
  const engine = engineOf(url)!;
  const options = await engine.options(url, patience);
  const file = fileOf(url);
  if (file !== undefined && file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const dataSource = new DataSource({
    ...options,
    migrations: MIGRATIONS as never,
    migrationsTableName: 'oncelink_migrations',
  });
  await dataSource.initialize().catch((error: Error & { code?: string }) => {
    throw new Error(
      `The database cannot be opened (${error.message || error.code}). Check DATABASE_URL and that it is running.`,
      { cause: error },
    );
  });
  try {
    await whenFree(engine.dialect, () => engine.prepare(dataSource, patience));
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
  return { dataSource, dialect: engine.dialect };
}

/** @returns the file of an embedded database, or undefined for a server */
export function fileOf(url: string): string | undefined {
  return engineOf(url)?.dialect.remote === false ? filePath(url) : undefined;
}

function filePath(url: string): string {
  return url.replace(/^[a-z0-9-]+:(?:\/\/(?=\/|[^/]))?/, '');
}
