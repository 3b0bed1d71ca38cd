import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callApi, ChildService, productionHome, type Home } from '../support/child-service.js';
import { dataKeysText } from '../support/data-keys.js';
import { API_KEY, eventually, mintBody } from '../support/service.js';

/** Whatever ends the process, neither what it prints nor the report that Node writes about it has a secret in it. */
const CRASH = new URL('../support/crash.mjs', import.meta.url).href;
const SMTP_PASSWORD = 'XylophoneRelayPassword';
const DATABASE_PASSWORD = 'XylophoneDatabasePassword';

let home: Home;
let secrets: string[];
beforeEach(async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  home = await productionHome({
    SMTP_URL: `smtp://mailer:${SMTP_PASSWORD}@127.0.0.1:9`,
    DATA_KEYS: dataKeysText('a'),
    DKIM_DOMAIN: 'example.com',
    DKIM_SELECTOR: 's2026',
    NODE_OPTIONS: `--import ${CRASH} --report-uncaught-exception --report-on-fatalerror --report-on-signal`,
  });
  home.env.DKIM_KEY_FILE = join(home.directory, 'dkim.pem');
  writeFileSync(home.env.DKIM_KEY_FILE, pem, { mode: 0o600 });
  const [{ k }] = (JSON.parse(home.env.SIGNING_KEYS!) as { keys: [{ k: string }] }).keys;
  secrets = [k, home.env.DATA_KEYS!.split(':')[1]!, pem.split('\n')[1]!, API_KEY.split('_')[2]!, SMTP_PASSWORD];
});
afterEach(() => home.discard());

const reports = (): string[] => readdirSync(home.directory).filter((name) => /^report\..*\.json$/.test(name));
function expectSilence({ stdout, stderr }: ChildService, more: readonly string[] = []): void {
  const told = {
    stdout,
    stderr,
    reports: reports()
      .map((name) => readFileSync(join(home.directory, name), 'utf8'))
      .join(),
  };
  for (const [where, text] of Object.entries(told)) {
    for (const secret of [...secrets, ...more])
      expect([where, secret, text.includes(secret)]).toEqual([where, secret, false]);
  }
}

test.each(['exception', 'rejection', 'not-an-error'])(
  'a crash (%s) with a token in hand is told in one line, without it',
  async (how) => {
    const child = await ChildService.start(home);
    const minted = await callApi(home, 'POST', '/v1/links', mintBody({ delivery: 'return' }));
    const { token } = minted.body;
    const headers = { 'x-crash': how, authorization: `Bearer ${API_KEY}`, cookie: `oncelink=${token}` };
    await fetch(`${home.url}/l/${token}`, { headers }).catch(() => undefined);
    expect(await child.exited).toBe(1);
    expect(JSON.parse(child.stdout.trim().split('\n').at(-1)!)).toMatchObject({
      level: 'fatal',
      msg: 'the service crashed',
    });
    expectSilence(child, token.split('.').slice(1));
  },
  40_000,
);

test('a diagnostic report of the running service has none of the settings that are secret', async () => {
  const child = await ChildService.start(home);
  child.process.kill('SIGUSR2');
  await eventually(
    () => reports().some((name) => readFileSync(join(home.directory, name), 'utf8').endsWith('}\n')),
    20,
  );
  expect(readFileSync(join(home.directory, reports()[0]!), 'utf8')).toContain(home.env.PUBLIC_URL!);
  expect(await child.stop()).toBe(0);
  expectSilence(child);
}, 40_000);

test.each<[string, (given: string[]) => Record<string, string>]>([
  ['a database out of reach', () => ({ DATABASE_URL: `postgres://ann:${DATABASE_PASSWORD}@127.0.0.1:1/links` })],
  ['a database that is no file', () => ({ DATABASE_URL: 'sqlite:/dev/null/links.sqlite' })],
  [
    'secrets in settings that do not fit',
    ([k, dataKey, , key]) => ({
      SIGNING_KEYS: JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS512', k }, { k }] }),
      DATA_KEYS: `a:${dataKey}!`,
      API_KEY: `olk-${key}`,
      SMTP_URL: `ftp://mailer:${SMTP_PASSWORD}@127.0.0.1`,
      DATABASE_URL: `mysql://ann:${DATABASE_PASSWORD}@127.0.0.1/links`,
      PUBLIC_URL: `http://ann:${DATABASE_PASSWORD}@links.example.com`,
      MAIL_FROM: SMTP_PASSWORD,
    }),
  ],
])(
  'a start that fails tells no secret: %s',
  async (_name, change) => {
    Object.assign(home.env, change(secrets));
    const child = new ChildService(home.env, home.directory);
    expect(await child.exited).toBe(1);
    expect(child.stderr).toMatch(/\S/);
    expectSilence(child, [DATABASE_PASSWORD]);
  },
  40_000,
);
