import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { Cli } from './cli.js';
import { freePort } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';

interface Finding {
  result: 'ok' | 'warn' | 'FAIL';
  check: string;
  detail: string;
}

let cli: Cli;
let relay: SMTPServer;
let relayUrl: string;

beforeAll(async () => {
  relay = new SMTPServer({
    hideSTARTTLS: true,
    onAuth: ({ password }, _session, done) =>
      password === 'right-pass-word' ? done(null, { user: 'ann' }) : done(new Error('no')),
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  relayUrl = `127.0.0.1:${(relay.server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise<void>((resolve) => relay.close(() => resolve())));

let installed: Cli | undefined;
afterAll(() => installed?.clear());
beforeEach(() => {
  cli = production();
});
afterEach(() => cli.clear());

function production(): Cli {
  return new Cli({
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://links.example.com',
    DATABASE_URL: 'sqlite:./links.sqlite',
    SIGNING_KEYS_FILE: './signing-keys.json',
    SMTP_URL: `smtp://ann:right-pass-word@${relayUrl}`,
    MAIL_FROM: 'Links <links@example.com>',
    REDIRECT_URIS: 'https://shop.example/callback',
  });
}

/** A production that has everything: made once, copied for each test. */
async function install(): Promise<void> {
  if (!installed) {
    installed = production();
    await installed.ok(['signing-keys', 'rotate']);
    await installed.ok(['apps', 'create', 'default']);
  }
  cpSync(installed.directory, cli.directory, { recursive: true });
}

async function diagnose(env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await cli.run(['doctor', '--json'], env);
  const findings = JSON.parse(stdout) as Finding[];
  const of = (check: string) => findings.filter((finding) => finding.check === check);
  return {
    code,
    stdout,
    stderr,
    of,
    failed: findings.filter(({ result }) => result === 'FAIL').map(({ check }) => check),
  };
}

test('keys that do not open what was sealed are found out', async () => {
  await install();
  const DATA_KEYS = `a:${randomBytes(32).toString('base64')}`;
  expect((await diagnose({ DATA_KEYS })).of('data keys')).toMatchObject([{ result: 'ok' }]);
  await cli.ok(['mint', '--purpose', 'magic-link', '--recipient', 'ann@example.com', '--subject', 'ann'], {
    DATA_KEYS,
  });
  const { of } = await diagnose();
  const detail = expect.stringMatching(/^recipients are sealed by a key that is not in DATA_KEYS/);
  expect(of('data keys')).toEqual([{ result: 'FAIL', check: 'data keys', detail }]);
});

test('in a sound production every check is well', async () => {
  await install();
  const { code, stdout } = await cli.run(['doctor']);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  const checks = [...stdout.matchAll(/^(ok|warn|FAIL) +(\S+(?: \S+)?) {2,}\S/gm)].map(
    ([, result, check]) => `${result} ${check}`,
  );
  expect(checks).toEqual([
    'ok node',
    'ok settings',
    'ok public url',
    'ok signing keys',
    'ok key file',
    'ok templates',
    'ok database',
    'ok durability',
    'ok schema',
    'ok api keys',
    'ok redirect uris',
    'ok mail',
  ]);
  expect(stdout).toContain('WAL, synchronous=FULL');
});

test('in an empty development nothing fails, and nothing is made', async () => {
  const { code, stdout, failed, of } = await diagnose({
    NODE_ENV: '',
    PUBLIC_URL: '',
    DATABASE_URL: '',
    SIGNING_KEYS_FILE: '',
    SMTP_URL: '',
  });
  expect({ code, failed }).toEqual({ code: 0, failed: [] });
  expect(of('mail')).toMatchObject([{ result: 'ok', detail: 'dev inbox' }]);
  expect(of('database')).toMatchObject([{ result: 'warn' }]);
  expect(stdout).toContain('first start');
});

test('every faulty setting is a failure with its remedy, and the other checks still run', async () => {
  await install();
  const { code, failed, of, stderr } = await diagnose({ PUBLIC_URL: 'http://links.example.com', RETENTION: 'forever' });
  expect({ code, failed }).toEqual({ code: 1, failed: ['settings', 'settings'] });
  expect(of('settings').map(({ detail }) => detail.split(' ')[0])).toEqual(['PUBLIC_URL', 'RETENTION']);
  expect(of('schema')).toMatchObject([{ result: 'ok' }]);
  expect(stderr).toBe('2 checks failed.\n');
});

test('a RETENTION that is raised to a day is a warning', async () => {
  await install();
  const { code, of } = await diagnose({ RETENTION: '12h' });
  expect(code).toBe(0);
  expect(of('settings')).toMatchObject([
    { result: 'ok' },
    { result: 'warn', detail: expect.stringMatching(/RETENTION .*1d/) },
  ]);
  expect((await diagnose({ RETENTION: '1d' })).of('settings')).toMatchObject([{ result: 'ok' }]);
});

test('what production must not run with is a failure, and stops the start alike', async () => {
  await install();
  const weak = { kty: 'oct', alg: 'HS256', kid: 'weak', k: Buffer.alloc(32, 'a').toString('base64url') };
  const templates = new TemplatesCopy();
  templates.edit('purposes/password-reset/purpose.yaml', 'max: 24h', 'max: 25h');
  const env = { SIGNING_KEYS: JSON.stringify({ keys: [weak] }), SMTP_URL: '', TEMPLATES_DIR: templates.directory };
  const { failed, of, stdout } = await diagnose(env);
  templates.discard();
  expect(failed).toEqual(['settings', 'settings', 'templates']);
  // The dev inbox is no relay.
  expect(
    of('settings')
      .map(({ detail }) => detail.split(' ')[0])
      .sort(),
  ).toEqual(['SIGNING_KEYS', 'SMTP_URL']);
  expect(of('templates')).toMatchObject([{ detail: expect.stringMatching(/password-reset\/purpose\.yaml:\d+.*24h/) }]);
  expect(stdout).not.toContain(weak.k);
});

test('a relay that does not answer, or not to us, is a failure; a second one softens it', async () => {
  await install();
  const nobody = `smtp://127.0.0.1:${await freePort()}`;
  const unreachable = await diagnose({ SMTP_URL: nobody });
  expect(unreachable).toMatchObject({ code: 1, failed: ['mail'] });
  const refused = await diagnose({ SMTP_URL: `smtp://ann:wrong-pass-word@${relayUrl}` });
  expect(refused).toMatchObject({ code: 1, failed: ['mail'] });
  expect(refused.stdout).not.toContain('wrong-pass-word');
  const second = await diagnose({ SMTP_URL: `${nobody},smtp://ann:right-pass-word@${relayUrl}` });
  expect(second.code).toBe(0);
  expect(second.of('mail').map(({ result }) => result)).toEqual(['warn', 'ok']);
});

test('a relay elsewhere that offers no TLS is a failure, although it answers', async () => {
  await install();
  // Any other loopback address than the usual ones counts as elsewhere.
  const elsewhere = new SMTPServer({ disabledCommands: ['STARTTLS'], authOptional: true });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.2', resolve));
  const { port } = elsewhere.server.address() as AddressInfo;
  const { failed, of } = await diagnose({ SMTP_URL: `smtp://127.0.0.2:${port}` });
  await new Promise<void>((resolve) => elsewhere.close(() => resolve()));
  expect(failed).toEqual(['mail']);
  expect(of('mail')).toMatchObject([{ detail: expect.stringMatching(/TLS/) }]);
});

test('a folder mails nobody, alone or as the last resort: that fails in production; a program of the machine is well', async () => {
  await install();
  for (const others of ['', `,smtp://ann:right-pass-word@${relayUrl}`]) {
    const { failed, of } = await diagnose({ SMTP_URL: `file:./mails${others}` });
    expect(failed).toEqual(['mail']);
    expect(of('mail')[0]).toMatchObject({ detail: expect.stringMatching(/file \.\/mails .*nobody.*SMTP_URL/) });
  }
  expect((await diagnose({ SMTP_URL: `sendmail:${process.execPath}` })).failed).toEqual([]);
  const missing = await diagnose({ SMTP_URL: `sendmail:${cli.path('no-program')}` });
  expect(missing.failed).toEqual(['mail']);
  expect(missing.of('mail')).toMatchObject([{ detail: expect.stringMatching(/no-program .*ENOENT.*SMTP_URL/) }]);
  const development = await diagnose({ NODE_ENV: '', PUBLIC_URL: '', SMTP_URL: 'file:./mails' });
  expect(development.of('mail')).toMatchObject([{ result: 'ok' }]);
});

test('keys that others may read stop production, and are worth a warning in development', async () => {
  await install();
  chmodSync(cli.path('signing-keys.json'), 0o644);
  const { code, of } = await diagnose();
  expect(code).toBe(1);
  expect(of('settings')).toMatchObject([{ result: 'FAIL', detail: expect.stringContaining('0644') }]);
  const development = await diagnose({ NODE_ENV: 'development', PUBLIC_URL: '' });
  expect(development.code).toBe(0);
  expect(development.of('key file')).toMatchObject([{ result: 'warn', detail: expect.stringContaining('0644') }]);
});

test('whoever forgets NODE_ENV shows everybody everybody’s mail: that fails', async () => {
  await install();
  const { code, failed, of } = await diagnose({ NODE_ENV: '' });
  expect({ code, failed }).toEqual({ code: 1, failed: ['public url'] });
  expect(of('public url')).toMatchObject([{ detail: expect.stringMatching(/dev inbox.*NODE_ENV=production/) }]);
});

test('a production that nobody can call fails', async () => {
  await cli.ok(['signing-keys', 'rotate']);
  await cli.ok(['migrate']);
  expect((await diagnose()).failed).toEqual(['api keys']);
  expect((await diagnose({ API_KEY: 'olk_boot_0123456789abcdef0123456789abcdef' })).failed).toEqual([]);
});

test('a key that ends soon is named, and one that has ended counts for nothing', async () => {
  await install();
  const { id } = await cli.json(['keys', 'create', '--expires-in', '13d', '--json']);
  await cli.ok(['keys', 'create', '--expires-in', '0']);
  const [finding] = (await diagnose()).of('api keys');
  expect(finding).toMatchObject({ result: 'warn', detail: expect.stringContaining(id) });
  expect(finding!.detail).toContain('2 keys in force, of 1 app');
});

test('an app without redirect URIs is named', async () => {
  await install();
  await cli.ok(['apps', 'create', 'shop', '--redirect-uri', 'https://shop.example/']);
  await cli.ok(['apps', 'create', 'kiosk']);
  const [finding] = (await diagnose()).of('redirect uris');
  expect(finding).toMatchObject({
    result: 'warn',
    detail: expect.stringMatching(/^kiosk has none, but magic-link, password-reset /),
  });
});

test('a database out of reach is a failure, without its password', async () => {
  await cli.ok(['signing-keys', 'rotate']);
  const { failed, stdout } = await diagnose({ DATABASE_URL: 'postgres://ann:data-pass-word@127.0.0.1:1/links' });
  expect(failed).toEqual(['database']);
  expect(stdout).not.toContain('data-pass-word');
});
