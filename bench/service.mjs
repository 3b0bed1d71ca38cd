import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const PROBE = new URL('probe.mjs', import.meta.url).href;
/** ms */
const START_LIMIT = 30_000;
const STOP_LIMIT = 15_000;

/**
 * A place for one server: a directory, a port, a database.
 * @param {string | undefined} databaseUrl given: PostgreSQL's; otherwise a SQLite file in the directory
 */
export async function makeHome(databaseUrl) {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-bench-'));
  return {
    directory,
    port: await freePort(),
    databaseUrl: databaseUrl ?? `sqlite:${join(directory, 'bench.sqlite')}`,
    discard: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** One server as a process of its own, with the probe in it. */
export class Service {
  /** ms from the start of the process to its first answer */
  startedIn = 0;
  #child;
  #stderr = '';
  #exited;
  #answer = null;

  static async start(subject, home, extraEnvironment = {}) {
    const service = new Service(subject, home, extraEnvironment);
    try {
      await service.#untilReady(home.port, subject.ready);
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  constructor(subject, home, extraEnvironment) {
    this.begun = performance.now();
    this.#child = spawn(process.execPath, ['--import', PROBE, subject.main], {
      cwd: home.directory,
      env: { PATH: process.env.PATH, NODE_ENV: 'production', ...subject.environment(home), ...extraEnvironment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr.on('data', (chunk) => (this.#stderr = (this.#stderr + chunk).slice(-4000)));
    this.#child.on('message', ({ probe }) => probe && this.#answer?.(probe));
    this.#exited = new Promise((done) => this.#child.once('exit', done));
  }

  /** The figures so far, and from now on the loop's delay is watched. */
  begin() {
    return this.#ask('begin');
  }

  /** The figures so far. */
  end() {
    return this.#ask('end');
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT);
    await this.#exited;
    clearTimeout(late);
  }

  #ask(question) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer from the probe\n${this.#stderr}`)), 10_000);
      this.#answer = (figures) => {
        clearTimeout(late);
        resolve(figures);
      };
      this.#child.send(question);
    });
  }

  async #untilReady(port, path) {
    while (!(await answers(port, path))) {
      if (this.#child.exitCode !== null) throw new Error(`the server stopped at once\n${this.#stderr}`);
      if (performance.now() - this.begun > START_LIMIT) throw new Error(`the server is not ready\n${this.#stderr}`);
      await pause(10);
    }
    this.startedIn = performance.now() - this.begun;
  }
}

function answers(port, path) {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
