import { spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { PostgresCluster } from '../support/postgres-cluster.mjs';
import { eventually, freePort } from '../support/service.js';
import { MAIN } from './instance.js';

/**
 * A PostgreSQL that can be killed, frozen and started again on the same data. It runs with the defaults that are worst
 * for us: commits are acknowledged before they are on disk, and the log is written late.
 */
export class PostgresServer {
  private readonly cluster = new PostgresCluster(['--no-sync']);
  private server!: ChildProcess;

  private constructor(readonly port: number) {}

  static async start(): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort());
    await server.restart();
    return server;
  }

  url(database = 'postgres', port = this.port): string {
    return `postgres://postgres@127.0.0.1:${port}/${database}`;
  }

  /**
   * @param disk a file system of its own for the database's files; the server's log stays where it is
   * @returns the URL of a database of its own, with our schema
   */
  async createDatabase(name: string, disk?: string): Promise<string> {
    if (disk !== undefined) {
      // It will only use a folder of its own user's.
      const { uid, gid } = statSync(this.cluster.data);
      chownSync(disk, uid, gid);
      await this.query(`CREATE TABLESPACE ${name} LOCATION '${disk}'`);
    }
    await this.query(`CREATE DATABASE ${name}${disk === undefined ? '' : ` TABLESPACE ${name}`}`);
    const migrate = spawnSync(process.execPath, [join(dirname(MAIN), 'cli', 'main.js'), 'migrate'], {
      cwd: this.cluster.directory,
      env: { NODE_ENV: 'production', DATABASE_URL: this.url(name) },
    });
    if (migrate.status !== 0) throw new Error(`oncelink migrate failed: ${String(migrate.stderr)}`);
    return this.url(name);
  }

  async query(sql: string, database?: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: this.url(database), connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query(sql)).rows as unknown[];
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Starts it on the data that is there, and waits until it answers. */
  async restart(): Promise<void> {
    const settings = { port: this.port, synchronous_commit: 'off', wal_writer_delay: '5s', max_connections: 60 };
    this.server = this.cluster.serve(settings, { detached: true });
    await eventually(() => this.query('SELECT 1').catch(() => undefined), 30);
  }

  /** kill -9 of the postmaster and everything it started, at once. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.server.once('exit', resolve));
    const all = this.stopped();
    for (const pid of all) send(pid, 'SIGKILL');
    await ended;
    await eventually(() => !all.some(isAlive));
  }

  /** Nothing of it moves any more, and nobody is told. */
  freeze(): void {
    this.stopped();
  }

  /** What need not be on disk yet stays in memory from now on, and dies with it: its log writer does not move any more. */
  holdLogWriter(): void {
    const [writer] = family(this.server.pid!).filter((pid) => titleOf(pid).includes('walwriter'));
    if (writer === undefined) throw new Error('PostgreSQL has no WAL writer');
    send(writer, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of family(this.server.pid!)) send(pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.server.exitCode === null && this.server.signalCode === null) await this.kill();
    this.cluster.remove();
  }

  /** Stops the postmaster first, so that it starts no further children, then them. @returns their process ids */
  private stopped(): number[] {
    send(this.server.pid!, 'SIGSTOP');
    const all = family(this.server.pid!);
    for (const pid of all) send(pid, 'SIGSTOP');
    return all;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended by itself.
  }
}

/** A process and its children. PostgreSQL's have sessions of their own, so the process group does not reach them. */
function family(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statOf(Number(name))?.parent === pid);
  return [pid, ...children.map(Number)];
}

function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
}

/** What the process calls itself. */
function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // The name in parentheses may hold anything, so the fields are counted from its end.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state: state!, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
