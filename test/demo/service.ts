import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = process.env['ONCELINK_MAIN'] ?? join(CHECKOUT, 'dist/main.js');

export interface Mail {
  id: string;
  to: string;
  subject: string;
  text: string;
  links: string[];
}

/** The built service in development, as `npm start` runs it: its own port, directory, keys and database. */
export class Service {
  readonly apiKey = 'olk_journeys_0123456789abcdefghij';
  /** Everything it has written so far: its log. */
  output = '';

  private constructor(
    readonly url: string,
    private readonly directory: string,
    private readonly process: ChildProcess,
  ) {
    for (const stream of [process.stdout!, process.stderr!])
      stream.on('data', (chunk) => (this.output += String(chunk)));
  }

  static async start(): Promise<Service> {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run \`npm run build\` first.`);
    const directory = await mkdtemp(join(tmpdir(), 'oncelink-journeys-'));
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const child = spawn(process.execPath, [MAIN], {
      cwd: CHECKOUT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'development',
        PORT: String(port),
        PUBLIC_URL: url,
        DATABASE_URL: `sqlite:${join(directory, 'oncelink.sqlite')}`,
        SIGNING_KEYS_FILE: join(directory, 'keys.json'),
        API_KEY: 'olk_journeys_0123456789abcdefghij',
      },
    });
    const service = new Service(url, directory, child);
    await until('the service to be ready', async () => {
      if (child.exitCode !== null) throw new Error(`The service stopped:\n${service.output}`);
      return (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok;
    });
    return service;
  }

  async stop(): Promise<void> {
    const stopped = new Promise((resolve) => this.process.once('exit', resolve));
    if (this.process.exitCode === null && this.process.kill('SIGTERM')) await stopped;
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Calls the API as the app `default`. */
  async api(path: string, body?: object): Promise<{ status: number; body: Record<string, any> }> {
    const response = await fetch(this.url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${this.apiKey}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, any> };
  }

  /** Mints a link of the app `default` and gets its URL in the answer. */
  async mint(request: object): Promise<{ id: string; url: string; token: string }> {
    const { status, body } = await this.api('/v1/links', { delivery: 'return', ...request });
    if (status !== 201) throw new Error(`mint: ${status} ${JSON.stringify(body)}`);
    return body as { id: string; url: string; token: string };
  }

  async mails(to: string): Promise<Mail[]> {
    const response = await fetch(`${this.url}/dev/inbox/mails?to=${encodeURIComponent(to)}`);
    return ((await response.json()) as { items: Mail[] }).items;
  }

  /** The newest mail with a link to an address, once there are as many as expected. */
  async mail(to: string, count = 1): Promise<Mail> {
    const mails = await until(`mail ${count} to ${to}`, async () => {
      const found = (await this.mails(to)).filter(({ links }) => links.length > 0);
      return found.length >= count && found;
    });
    return mails[0]!;
  }
}

/** Asks until the answer is yes. What it waits for is named when it never comes. */
export async function until<T>(what: string, ask: () => Promise<T | false | undefined>, seconds = 20): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`Waited ${seconds} s for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
