import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Inbox } from '../../src/mail/inbox.js';
import { createLogger } from '../../src/log.js';
import { createService } from '../../src/service.js';
import { readSettings } from '../../src/settings.js';

export const API_KEY = 'olk_test_0123456789abcdef0123456789abcdef';

/** A clock that stands still until it is set. */
export class HandSetClock {
  constructor(public time = Date.now()) {}
  readonly now = (): number => this.time;
  advance(seconds: number): void {
    this.time += seconds * 1000;
  }
}

export interface Answer<Body = never> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** the parsed JSON body; loosely typed, tests say what they expect */
  readonly body: [Body] extends [never] ? any : Body;
}

export type TestService = Awaited<ReturnType<typeof startService>>;

/**
 * The real service in this process: real settings, a real SQLite file in a directory of its own, a real port.
 * @param env settings beyond the defaults of development; `clock` moves the service's time by hand
 */
export async function startService({ env = {}, clock }: { env?: Record<string, string>; clock?: HandSetClock } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-'));
  const port = await freePort();
  const settings = readSettings({
    NODE_ENV: 'test',
    PORT: String(port),
    PUBLIC_URL: `http://localhost:${port}`,
    DATABASE_URL: `sqlite:${join(directory, 'oncelink.sqlite')}`,
    SIGNING_KEYS_FILE: join(directory, 'signing-keys.json'),
    API_KEY,
    LOG_LEVEL: 'trace',
    ...env,
  });
  const log = new PassThrough();
  const lines: string[] = [];
  log.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const { app } = await createService(settings, createLogger(settings.logLevel, log), clock?.now);
  await app.listen(port, '127.0.0.1');
  const url = `http://localhost:${port}`;
  const inbox = app.get<Inbox>(Inbox);

  /** One request, redirects not followed. */
  const request = async (
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const raw = typeof options.body === 'string' || options.body === undefined;
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: { ...(options.body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
      body: raw ? (options.body as string | undefined) : JSON.stringify(options.body),
    });
    // RFC 9700 section 4.12: after any other redirect a browser may send what it holds once more.
    if (response.status >= 300 && response.status < 400 && response.status !== 303)
      throw new Error(`a redirect with ${response.status}`);
    const text = await response.text();
    const body: unknown =
      (response.headers.get('content-type') ?? '').includes('json') && text ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body: body as never };
  };
  /** The same with the API key of app `default`. */
  const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    request(method, path, { body, headers: { authorization: `Bearer ${API_KEY}`, ...headers } });

  return {
    app,
    url,
    port,
    directory,
    settings,
    inbox,
    request,
    api,
    /** everything that was logged so far */
    logged: () => lines.join(''),
    mint: (body: object = {}, headers?: Record<string, string>): Promise<Answer> =>
      api('POST', '/v1/links', mintBody(body), headers),
    /** a link that is returned instead of mailed */
    mintReturned: async (body: object = {}): Promise<{ id: string; url: string; token: string }> => {
      const answer = await api('POST', '/v1/links', mintBody({ delivery: 'return', ...body }));
      if (answer.status !== 201) throw new Error(`mint answered ${answer.status}: ${answer.text}`);
      return answer.body;
    },
    stop: async (): Promise<void> => {
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

let people = 0;
/** A valid body for a new person each time, so that no limit is in the way. */
export function mintBody(body: object = {}): Record<string, unknown> {
  people += 1;
  return { purpose: 'password-reset', recipient: `person-${people}@example.com`, subject: `user_${people}`, ...body };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

type Truthy<Value> = Exclude<Value, false | null | undefined | 0 | ''>;

/** Waits for a condition, not for a time; gives up after `seconds`. */
export async function eventually<Value>(look: () => Value | Promise<Value>, seconds = 10): Promise<Truthy<Value>> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await look();
    if (value) return value as Truthy<Value>;
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
