import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API_KEY, eventually, freePort, type Answer } from './service.js';
import { TEMPLATES } from './templates.js';

const MAIN = process.env['ONCELINK_MAIN'] ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A home for a service of its own: a directory and settings that production accepts. */
export async function productionHome(more: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-production-'));
  const port = await freePort();
  const key = { kty: 'oct', alg: 'HS256', kid: 'one', k: randomBytes(32).toString('base64url') };
  const env: Record<string, string> = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://localhost:${port}`,
    DATABASE_URL: `sqlite:${join(directory, 'oncelink.sqlite')}`,
    SIGNING_KEYS: JSON.stringify({ keys: [key] }),
    SMTP_URL: 'smtp://127.0.0.1:9',
    MAIL_FROM: 'Example <no-reply@example.com>',
    TEMPLATES_DIR: TEMPLATES,
    API_KEY,
    ...more,
  };
  return {
    directory,
    port,
    url: `http://localhost:${port}`,
    env,
    discard: () => rmSync(directory, { recursive: true, force: true }),
  };
}
export type Home = Awaited<ReturnType<typeof productionHome>>;

/** The built service as a process of its own, with exactly the given environment and in the given directory. */
export class ChildService {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;
  readonly process: ChildProcess;

  constructor(env: Record<string, string>, cwd: string) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run \`npm run build\` first`);
    this.process = spawn(process.execPath, [MAIN], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout!.on('data', (chunk) => (this.stdout += String(chunk)));
    this.process.stderr!.on('data', (chunk) => (this.stderr += String(chunk)));
    this.exited = new Promise((resolve) => this.process.once('close', resolve));
  }

  static async start(home: Home): Promise<ChildService> {
    const child = new ChildService(home.env, home.directory);
    await eventually(async () => {
      if (child.process.exitCode !== null) throw new Error(`the service stopped:\n${child.stdout}${child.stderr}`);
      return (await fetch(`${home.url}/health/ready`).catch(() => undefined))?.ok;
    }, 20);
    return child;
  }

  /** Asks it to stop, as an orchestrator does. @returns the exit code */
  stop(): Promise<number | null> {
    this.process.kill('SIGTERM');
    return this.exited;
  }
}

/** Calls the API of a service process as app `default`. */
export async function callApi(home: Home, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(home.url + path, {
    method,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      connection: 'close',
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (json ? JSON.parse(text) : undefined) as never,
  };
}
