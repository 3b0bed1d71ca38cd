import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Cli } from './cli.js';
import { startService } from '../support/service.js';

interface Jwk {
  kid: string;
  alg: string;
  k?: string;
  d?: string;
}

let cli: Cli;
beforeEach(() => void (cli = new Cli({ SIGNING_KEYS_FILE: './keys/signing.json' })));
afterEach(() => cli.clear());

const keysIn = (file: string): Jwk[] => JSON.parse(readFileSync(cli.path(file), 'utf8')).keys;
const rotate = (...more: string[]) => cli.run(['signing-keys', 'rotate', ...more]);

test('after two rotations the tokens of before are still good, and new ones are signed with the newest key', async () => {
  await cli.ok(['signing-keys', 'rotate']);
  const database = `sqlite:${cli.path('links.sqlite')}`;
  const start = () =>
    startService({
      env: {
        DATABASE_URL: database,
        SIGNING_KEYS_FILE: cli.path('keys/signing.json'),
        PUBLIC_URL: 'http://localhost:9',
      },
    });
  const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString());

  const before = await start();
  const old = await before.mintReturned();
  await before.stop();
  const outputs = [await rotate('--activate-in', '0'), await rotate('--alg', 'ES256', '--activate-in', '0')];

  const after = await start();
  try {
    const [newest, middle, first] = keysIn('keys/signing.json');
    expect(headerOf(old.token)).toMatchObject({ kid: first!.kid, alg: 'HS256' });
    expect(outputs.map(({ code, stdout }) => [code, stdout.split(',')[0]])).toEqual([
      [0, `New HS256 signing key ${middle!.kid}`],
      [0, `New ES256 signing key ${newest!.kid}`],
    ]);
    const redeemed = await after.api('POST', '/v1/links/redeem', { token: old.token, purpose: 'password-reset' });
    expect(redeemed.status).toBe(200);
    const young = await after.mintReturned();
    expect(headerOf(young.token)).toMatchObject({ kid: newest!.kid, alg: 'ES256' });
    const inspected = await after.api('POST', '/v1/links/inspect', { token: young.token, purpose: 'password-reset' });
    expect(inspected.status).toBe(200);
  } finally {
    await after.stop();
  }
});

test('the folder and the file are made for their owner only, and nothing secret is printed', async () => {
  const { code, output } = await rotate();
  expect(code).toBe(0);
  expect(statSync(cli.path('keys')).mode & 0o777).toBe(0o700);
  expect(statSync(cli.path('keys/signing.json')).mode & 0o777).toBe(0o600);
  expect(readdirSync(cli.path('keys'))).toEqual(['signing.json']);
  expect(output).not.toContain(keysIn('keys/signing.json')[0]!.k);
  expect(output).toContain('it signs now');
});

test('a new key is of the present kind unless another is asked for; RS256 is long enough', async () => {
  await rotate('--alg', 'RS256');
  await rotate();
  const [second, first, ...others] = keysIn('keys/signing.json');
  expect([second!.alg, first!.alg, others.length]).toEqual(['RS256', 'RS256', 0]);
  expect(Buffer.from((first as unknown as { n: string }).n, 'base64url')).toHaveLength(3072 / 8);
  expect(await cli.ok(['doctor', '--json'])).toContain(second!.kid);
}, 60_000);

test('a file that others may read is closed to them, a link stays a link, and --file wins over the settings', async () => {
  await rotate();
  chmodSync(cli.path('keys/signing.json'), 0o644);
  symlinkSync('signing.json', cli.path('keys/link.json'));
  const { code, stdout } = await rotate('--file', 'keys/link.json');
  expect(code).toBe(0);
  expect(stdout).toContain('keys/link.json');
  expect(lstatSync(cli.path('keys/link.json')).isSymbolicLink()).toBe(true);
  expect(keysIn('keys/signing.json')).toHaveLength(2);
  expect(statSync(cli.path('keys/signing.json')).mode & 0o777).toBe(0o600);
});

test('of rotations at the same time none is lost without a word', async () => {
  // An RSA key takes its time, so they do meet.
  const outcomes = await Promise.all([1, 2, 3].map(() => rotate('--alg', 'RS256')));
  const done = outcomes.filter(({ code }) => code === 0);
  expect(done.length).toBeGreaterThan(0);
  const kids = keysIn('keys/signing.json').map(({ kid }) => kid);
  expect(kids).toHaveLength(done.length);
  for (const { stdout } of done) expect(kids).toContain(/signing key (\w+)/.exec(stdout)![1]);
  for (const { stderr } of outcomes.filter(({ code }) => code !== 0)) expect(stderr).toContain('Another rotation');
});

test('a rotation that was cut short is not written over, and the operator is told what to remove', async () => {
  await rotate();
  const before = readFileSync(cli.path('keys/signing.json'), 'utf8');
  writeFileSync(cli.path('keys/signing.json.new'), '');
  const { code, stdout, stderr } = await rotate();
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('signing.json.new');
  expect(readFileSync(cli.path('keys/signing.json'), 'utf8')).toBe(before);
});

test('a file that is no key set is left as it is', async () => {
  const text = '{"keys":[{"kty":"oct","alg":"HS256","kid":"a","k":"c2hvcnQtc2VjcmV0"}]}';
  writeFileSync(cli.path('weak.json'), text);
  const { code, stderr, output } = await rotate('--file', 'weak.json');
  expect(code).toBe(1);
  expect(stderr).toContain('key 1 must be');
  expect(output).not.toContain('c2hvcnQtc2VjcmV0');
  expect(readFileSync(cli.path('weak.json'), 'utf8')).toBe(text);
  expect(readdirSync(cli.directory)).toEqual(['weak.json']);
});

test('keys in SIGNING_KEYS itself cannot be rotated, and the operator is told the way', async () => {
  await rotate();
  const inline = readFileSync(cli.path('keys/signing.json'), 'utf8');
  const { code, stdout, stderr } = await cli.run(['signing-keys', 'rotate', '--file', 'other.json'], {
    SIGNING_KEYS: inline,
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('SIGNING_KEYS_FILE');
  expect(stderr).not.toContain(keysIn('keys/signing.json')[0]!.k);
  expect(existsSync(cli.path('other.json'))).toBe(false);
});

/** As if the operator had done everything the given time ago. */
function age(seconds: number): void {
  const keys = keysIn('keys/signing.json').map((key: Record<string, any>) => ({
    ...key,
    ...('iat' in key && { iat: key.iat - seconds }),
    ...('nbf' in key && { nbf: key.nbf - seconds }),
  }));
  writeFileSync(cli.path('keys/signing.json'), JSON.stringify({ keys }));
}

test('a new key waits, then signs, while the old one verifies until it is dropped; no list shows material', async () => {
  await rotate();
  const { stdout } = await rotate('--activate-in', '1h');
  const [next, present] = keysIn('keys/signing.json');
  expect(stdout).toContain(`signing key ${next!.kid}`);
  const listed = await cli.ok(['signing-keys', 'list', '--json']);
  expect(listed).not.toContain(next!.k);
  expect(JSON.parse(listed)).toMatchObject([
    { kid: next!.kid, state: 'waits', alg: 'HS256', signsFrom: expect.stringMatching(/Z$/), endsAt: null },
    { kid: present!.kid, state: 'signs', signsFrom: null, madeAt: expect.stringMatching(/Z$/) },
  ]);
  age(3 * 86_400);
  expect(await cli.ok(['signing-keys', 'prune'])).toContain('still needed');
  const table = await cli.ok(['signing-keys', 'list']);
  expect(table).toMatch(new RegExp(`^${next!.kid} .* signs `, 'm'));
  expect(table).toMatch(new RegExp(`^${present!.kid} .* verifies `, 'm'));
  expect(table).not.toContain(next!.k);
  age(25 * 86_400);
  // Their links have ended, but what a mail says at its end is still good.
  expect(await cli.ok(['signing-keys', 'prune'])).toContain('still needed');
  age(3 * 86_400);
  expect(await cli.ok(['doctor'])).toContain('signing-keys prune');
  expect(await cli.ok(['signing-keys', 'prune'])).toContain(`Dropped ${present!.kid}`);
  expect(keysIn('keys/signing.json').map(({ kid }) => kid)).toEqual([next!.kid]);
  expect(statSync(cli.path('keys/signing.json')).mode & 0o777).toBe(0o600);
});

test('a revoked key is gone; the only one makes room for another', async () => {
  await rotate();
  await rotate('--alg', 'ES256', '--activate-in', '0');
  const [newest, oldest] = keysIn('keys/signing.json');
  expect(await cli.ok(['signing-keys', 'revoke', newest!.kid])).toContain('is void');
  expect(keysIn('keys/signing.json').map(({ kid }) => kid)).toEqual([oldest!.kid]);
  const output = await cli.ok(['signing-keys', 'revoke', oldest!.kid]);
  const [successor, ...others] = keysIn('keys/signing.json');
  expect([others.length, successor!.alg, successor!.kid === oldest!.kid]).toEqual([0, 'HS256', false]);
  expect(output).toContain(successor!.kid);
  expect(output).not.toContain(successor!.k);
  const unknown = await cli.run(['signing-keys', 'revoke', oldest!.kid]);
  expect(unknown).toMatchObject({ code: 1, stdout: '' });
  expect(unknown.stderr).toContain('signing-keys list');
  expect(readdirSync(cli.path('keys'))).toEqual(['signing.json']);
});
