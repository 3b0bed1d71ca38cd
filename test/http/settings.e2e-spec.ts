import { Agent, get } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildService, callApi, productionHome, type Home } from '../support/child-service.js';
import { Relay, urlIn } from '../support/relay.js';
import { API_KEY, eventually, freePort, mintBody } from '../support/service.js';
import { within } from '../support/within.js';

const homes: Home[] = [];
const children: ChildService[] = [];
const relays: Relay[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.process.exitCode === null) child.process.kill('SIGKILL');
    await child.exited;
  }
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  for (const home of homes.splice(0)) home.discard();
});

async function homeWith(more: Record<string, string> = {}): Promise<Home> {
  const home = await productionHome(more);
  homes.push(home);
  return home;
}
async function startIn(home: Home): Promise<ChildService> {
  const child = await ChildService.start(home);
  children.push(child);
  return child;
}
async function startRelay(port?: number): Promise<Relay> {
  const relay = await Relay.start(port);
  relays.push(relay);
  return relay;
}
/** Runs the service with settings that it cannot start with. */
async function refusal(env: Record<string, string>): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { directory } = await homeWith();
  const child = new ChildService(env, directory);
  children.push(child);
  const code = await child.exited;
  // Nothing is generated: what is missing stays missing.
  expect(readdirSync(directory)).toEqual([]);
  return { code, stdout: child.stdout, stderr: child.stderr };
}

describe('in production', () => {
  test('with nothing set it does not start, and names everything that is missing in one message', async () => {
    const { code, stdout, stderr } = await refusal({ NODE_ENV: 'production' });
    expect(code).toBe(1);
    for (const name of ['PUBLIC_URL', 'DATABASE_URL', 'SIGNING_KEYS', 'SMTP_URL', 'MAIL_FROM']) {
      expect(stderr).toMatch(new RegExp(`^.*${name}.*required`, 'm'));
    }
    // One message for the operator: no stack, and nothing else.
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr.match(/Oncelink cannot start/g)).toHaveLength(1);
    expect(stdout).toBe('');
  });

  test('its advice is readable, addresses in it included, and one fault is told once', async () => {
    const { code, stderr } = await refusal({ NODE_ENV: 'production' });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('MAIL_FROM is required in production: Name <address@example.com>'),
    ]);
    expect(stderr).toContain('postgres://user:password@host:5432/database');
    expect(stderr).not.toContain('[redacted]');
    const port = await refusal({ NODE_ENV: 'development', PORT: 'abc' });
    expect(port.stderr).toMatch(/One setting needs your attention:\n {2}- PORT /);
  });

  test('with bad values it names each with its remedy, and repeats none of them', async () => {
    const { env } = await homeWith();
    const secret = 'hunter2-and-some-more';
    const bad = {
      PORT: '99999',
      PUBLIC_URL: `http://${secret}.example.com`,
      DATABASE_URL: `mysql://root:${secret}@localhost/x`,
      SIGNING_KEYS: JSON.stringify({
        keys: [{ kty: 'oct', alg: 'HS256', kid: 'a', k: Buffer.from(secret).toString('base64url') }],
      }),
      SMTP_URL: `ftp://user:${secret}@relay.example`,
      MAIL_FROM: secret,
      API_KEY: `olk_${secret}`,
      REDIRECT_URIS: `http://${secret}.example/callback`,
      RETENTION: secret,
      TRUST_PROXY: 'true',
      LOG_LEVEL: secret,
    };
    const { code, stdout, stderr } = await refusal({ ...env, ...bad });
    expect(code).toBe(1);
    for (const name of Object.keys(bad)) expect(stderr).toMatch(new RegExp(`^\\s*\\S*\\s*${name} \\S+`, 'm'));
    expect(stdout + stderr).not.toContain('hunter2');
    expect(stdout + stderr).not.toContain(Buffer.from(secret).toString('base64url'));
  });

  test.each([
    ['signing keys that are no JSON', { SIGNING_KEYS: 'c2VjcmV0' }, /SIGNING_KEYS/],
    ['an empty set of signing keys', { SIGNING_KEYS: '{"keys":[]}' }, /SIGNING_KEYS/],
    [
      'a signing key that a standard prints',
      {
        SIGNING_KEYS:
          '{"keys":[{"kty":"oct","alg":"HS256","kid":"a","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}',
      },
      /SIGNING_KEYS key 1 is an example/,
    ],
    [
      'a file of signing keys that is not there',
      { SIGNING_KEYS: '', SIGNING_KEYS_FILE: './no-such-file' },
      /SIGNING_KEYS_FILE/,
    ],
    ['a public URL without https', { PUBLIC_URL: 'http://links.example.com' }, /PUBLIC_URL/],
    ['a public URL with a query', { PUBLIC_URL: 'https://links.example.com/?a=1' }, /PUBLIC_URL/],
    ['a folder of templates that is none', { TEMPLATES_DIR: './nowhere' }, /TEMPLATES_DIR/],
    ['a mode that is none', { NODE_ENV: 'prod' }, /NODE_ENV/],
  ])('%s stop the start', async (_what, more, name) => {
    const { env } = await homeWith();
    const { code, stderr } = await refusal({ ...env, ...(more as Record<string, string>) });
    expect([code, name.test(stderr)]).toEqual([1, true]);
  });

  test('a database that cannot be opened stops the start in plain words', async () => {
    const { env, directory } = await homeWith();
    for (const path of [directory, join(process.execPath, 'oncelink.sqlite'), process.execPath]) {
      const child = new ChildService({ ...env, DATABASE_URL: `sqlite:${path}` }, directory);
      children.push(child);
      expect(await child.exited).toBe(1);
      expect(child.stderr.trim()).not.toBe('');
      expect(child.stderr).not.toMatch(/^\s+at /m);
    }
  });

  test('a port that is taken stops the start in plain words', async () => {
    const first = await homeWith();
    await startIn(first);
    const second = await homeWith({ PORT: String(first.port) });
    const child = new ChildService(second.env, second.directory);
    children.push(child);
    expect(await child.exited).toBe(1);
    expect(child.stderr).toMatch(new RegExp(`^  - PORT ${first.port} is in use`, 'm'));
    expect(child.stderr).not.toMatch(/^\s+at /m);
  });

  test.each(['999.1.1.1', '192.0.2.1'])(
    'a HOST where nobody can listen stops the start by its name: %s',
    async (host) => {
      const { env, directory } = await homeWith({ HOST: host });
      const child = new ChildService(env, directory);
      children.push(child);
      expect(await child.exited).toBe(1);
      expect(child.stderr).toMatch(new RegExp(`^  - HOST ${host} (is not|could not) .*0\\.0\\.0\\.0`, 'm'));
      expect(child.stderr).not.toMatch(/^\s+at /m);
    },
  );

  test('a RETENTION that is raised to a day is told', async () => {
    const home = await homeWith({ RETENTION: '12h' });
    const child = await startIn(home);
    const told = child.stdout.split('\n').filter((line) => line.includes('RETENTION'));
    expect(told.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', msg: 'RETENTION is less than a day and counts as 1d; set 1d or more' },
    ]);
  });

  test('nothing is generated', async () => {
    const home = await homeWith();
    const child = await startIn(home);
    expect(readdirSync(home.directory).filter((name) => !name.startsWith('oncelink.sqlite'))).toEqual([]);
    for (const path of ['/health/live', '/health/ready', '/openapi.json', '/v1/purposes']) {
      expect([path, (await callApi(home, 'GET', path)).status]).toEqual([path, 200]);
    }
    expect(child.stdout + child.stderr).not.toMatch(/olk_|eyJ|"k":/);
    // JSON lines and nothing else.
    for (const line of child.stdout.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });
});

describe('on SIGTERM', () => {
  test('it exits with 0 soon, although a client keeps its connection open', async () => {
    const home = await homeWith();
    const child = await startIn(home);
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      get(`${home.url}/health/live`, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
    // The drain itself may take 10 s; with nothing under way there is nothing to wait for.
    expect(await within(6, child.stop())).toBe(0);
    agent.destroy();
  });

  test('it finishes the mail that is under way', async () => {
    const relay = await startRelay();
    let release!: () => void;
    const arrived = new Promise<void>((resolve) => {
      relay.beforeAccepting = () => {
        resolve();
        return new Promise((letGo) => (release = letGo));
      };
    });
    const home = await homeWith({ SMTP_URL: relay.url });
    const child = await startIn(home);
    const { body } = await callApi(home, 'POST', '/v1/links', mintBody());
    await arrived;
    const stopped = child.stop();
    await eventually(
      async () =>
        (await fetch(`${home.url}/health/ready`).then(
          (answer) => answer.status,
          () => 503,
        )) === 503,
    );
    release();
    expect(await stopped).toBe(0);
    relay.beforeAccepting = () => Promise.resolve();
    await startIn(home);
    const link = (await callApi(home, 'GET', `/v1/links/${body.id}`)).body;
    expect(link.delivery).toMatchObject({ status: 'sent', attempts: 1 });
    expect(relay.received).toHaveLength(1);
  });

  test('a second signal exits at once', async () => {
    const relay = await startRelay();
    const arrived = new Promise<void>((resolve) => {
      relay.beforeAccepting = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    const home = await homeWith({ SMTP_URL: relay.url });
    const child = await startIn(home);
    await callApi(home, 'POST', '/v1/links', mintBody());
    await arrived;
    child.process.kill('SIGTERM');
    await eventually(
      async () =>
        (await fetch(`${home.url}/health/ready`).then(
          (answer) => answer.status,
          () => 503,
        )) === 503,
    );
    child.process.kill('SIGTERM');
    await within(5, child.exited);
  });
});

describe('after a restart on the same database', () => {
  test('links minted before it are redeemable, and what was redeemed stays redeemed', async () => {
    const home = await homeWith();
    const first = await startIn(home);
    const mint = async () => (await callApi(home, 'POST', '/v1/links', mintBody({ delivery: 'return' }))).body;
    const redeem = ({ token }: { token: string }) =>
      callApi(home, 'POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
    const [used, open] = [await mint(), await mint()];
    expect((await redeem(used)).status).toBe(200);
    expect(await first.stop()).toBe(0);
    await startIn(home);
    expect((await redeem(used)).body.code).toBe('link_redeemed');
    expect((await redeem(open)).status).toBe(200);
    expect((await mint()).id > open.id).toBe(true);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('a mail that was queued when %s came is sent, once', async (signal) => {
    const port = await freePort();
    const home = await homeWith({ SMTP_URL: `smtp://127.0.0.1:${port}` });
    const first = await startIn(home);
    const { body } = await callApi(home, 'POST', '/v1/links', mintBody());
    await eventually(async () => (await callApi(home, 'GET', `/v1/links/${body.id}`)).body.delivery.lastError);
    first.process.kill(signal);
    await first.exited;
    const relay = await startRelay(port);
    await startIn(home);
    const { mail } = await eventually(() => relay.to(body.recipient)[0], 25);
    const token = urlIn(mail.text).split('/l/')[1]!;
    expect((await callApi(home, 'POST', '/v1/links/redeem', { token, purpose: 'password-reset' })).status).toBe(200);
    expect(relay.to(body.recipient)).toHaveLength(1);
  });

  test('the files hold no token, URL, code or API key', async () => {
    const home = await homeWith();
    const child = await startIn(home);
    const { token } = (await callApi(home, 'POST', '/v1/links', mintBody({ delivery: 'return' }))).body;
    await callApi(home, 'POST', '/v1/links', mintBody());
    const files = readdirSync(home.directory).map((name) => readFileSync(join(home.directory, name), 'latin1'));
    const everything = files.join('') + child.stdout + child.stderr;
    expect(everything.length).toBeGreaterThan(1_000);
    expect(everything).not.toContain(token.split('.')[2]);
    expect(everything).not.toContain('/l/eyJ');
    expect(everything).not.toContain(API_KEY.split('_')[2]);
  });
});
