import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiKeys } from '../../src/apps/api-keys.js';
import { SqlAppStore } from '../../src/storage/sql-app-store.js';
import { openDatabase } from '../../src/storage/engines.js';
import { Cli } from '../cli/cli.js';
import { callApi, ChildService, productionHome, type Home } from '../support/child-service.js';
import { expectProblem } from '../support/problem.js';
import { eventually, mintBody, startService, type TestService } from '../support/service.js';
import { b64, contentOf, type Json } from './forger.js';

let directory: string;
let cli: Cli;
let instances: TestService[];
const file = (): string => join(directory, 'signing-keys.json');

/** Two instances as behind one balancer: one key file, one database, one public URL. */
async function startBoth(...rotation: string[]): Promise<void> {
  await cli.ok(['signing-keys', 'rotate', ...rotation]);
  const env = {
    SIGNING_KEYS_FILE: file(),
    DATABASE_URL: `sqlite:${join(directory, 'oncelink.sqlite')}`,
    PUBLIC_URL: 'http://localhost:9',
  };
  instances = [await startService({ env }), await startService({ env })];
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'oncelink-keys-'));
  cli = new Cli({ SIGNING_KEYS_FILE: file() });
  instances = [];
});
afterEach(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  cli.clear();
  rmSync(directory, { recursive: true, force: true });
});

const keysNow = (): Json[] => (JSON.parse(readFileSync(file(), 'utf8')) as { keys: Json[] }).keys;
const redeem = (instance: TestService, token: string) =>
  instance.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
const inspect = (instance: TestService, token: string) =>
  instance.api('POST', '/v1/links/inspect', { token, purpose: 'password-reset' });

test('a rotation under load: what one instance mints the other redeems, all the time', async () => {
  await startBoth();
  const [one, two] = instances as [TestService, TestService];
  const signers: unknown[] = [];
  const failures: string[] = [];
  let enough = false;
  const load = async (from: TestService, to: TestService): Promise<void> => {
    while (!enough) {
      const { token } = await from.mintReturned();
      const answer = await redeem(to, token);
      if (answer.status !== 200) failures.push(answer.text);
      signers.push(contentOf(token)[0].kid);
    }
  };
  const running = [load(one, two), load(two, one), load(one, one)];
  await eventually(() => signers.length > 20, 60);
  await cli.ok(['signing-keys', 'rotate']);
  const [next, before] = keysNow();
  await eventually(() => signers.slice(-20).every((kid) => kid === next!.kid), 60);
  enough = true;
  await Promise.all(running);
  expect(failures).toEqual([]);
  // It really changed hands, and nobody else signed.
  expect(new Set(signers)).toEqual(new Set([before!.kid, next!.kid]));
}, 120_000);

test('a revoked key: every token it signed is void on every instance, links of other keys live on', async () => {
  await startBoth();
  const [one, two] = instances as [TestService, TestService];
  const [leaked] = keysNow();
  const old = [await one.mintReturned(), await two.mintReturned()];
  await cli.ok(['signing-keys', 'rotate', '--activate-in', '0']);
  const fresh = await eventually(async () => {
    const link = await two.mintReturned();
    return contentOf(link.token)[0].kid !== leaked!.kid && link;
  });
  for (const { token } of old) expect((await inspect(one, token)).status).toBe(200);

  await cli.ok(['signing-keys', 'revoke', leaked!.kid as string]);
  // Everywhere, within five seconds of the file's change.
  const isVoid = (at: TestService) => eventually(async () => (await inspect(at, old[0]!.token)).status === 400, 5);
  await Promise.all(instances.map(isVoid));
  for (const instance of instances) {
    for (const { token, id } of old) {
      expectProblem(await inspect(instance, token), 'token_invalid');
      expectProblem(await redeem(instance, token), 'token_invalid');
      expect((await instance.request('GET', `/l/${token}`)).status).toBe(400);
      // The link itself is as it was: its mail can be sent again, with a token of the new key.
      expect((await instance.api('GET', `/v1/links/${id}`)).body.status).toBe('active');
    }
  }
  expect((await redeem(one, fresh.token)).status).toBe(200);
}, 60_000);

test('a broken file changes nothing while it is broken', async () => {
  await startBoth();
  const [one] = instances as [TestService];
  const { token } = await one.mintReturned();
  const good = readFileSync(file(), 'utf8');
  writeFileSync(file(), good.slice(0, good.length / 2));
  await eventually(() => one.logged().includes('signing keys not usable'));
  expect((await inspect(one, token)).status).toBe(200);
  expect(one.logged()).not.toContain(keyMaterial(good));
  writeFileSync(file(), good);
});

describe('SIGHUP', () => {
  const children: ChildService[] = [];
  const homes: Home[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop();
    for (const home of homes.splice(0)) home.discard();
  });
  async function startChild(more: Record<string, string>): Promise<[ChildService, Home]> {
    homes.push(await productionHome(more));
    children.push(await ChildService.start(homes.at(-1)!));
    return [children.at(-1)!, homes.at(-1)!];
  }
  const write = (...kids: string[]): void => {
    const keys = kids.map((kid) => ({ kty: 'oct', alg: 'HS256', kid, k: randomBytes(32).toString('base64url') }));
    writeFileSync(file(), JSON.stringify({ keys }), { mode: 0o600 });
  };

  test('makes the service read its key file at once, as often as it comes', async () => {
    write('key-0');
    const [child, home] = await startChild({ SIGNING_KEYS: '', SIGNING_KEYS_FILE: file() });
    const mint = async () => (await callApi(home, 'POST', '/v1/links', mintBody({ delivery: 'return' }))).body;
    const { token } = await mint();
    const began = Date.now();
    for (let change = 1; change <= 10; change++) {
      write(`key-${change}`);
      child.process.kill('SIGHUP');
      await eventually(() => child.stdout.includes(`"key-${change}"`));
    }
    // By itself it looks once a second.
    expect(Date.now() - began).toBeLessThan(5_000);
    const answer = await callApi(home, 'POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
    expectProblem(answer, 'token_invalid');
    expect(contentOf((await mint()).token)[0].kid).toBe('key-10');
  }, 60_000);

  test('changes nothing where the keys are given inline, and says so', async () => {
    const [child, home] = await startChild({});
    const { token } = (await callApi(home, 'POST', '/v1/links', mintBody({ delivery: 'return' }))).body;
    child.process.kill('SIGHUP');
    await eventually(() => child.stdout.includes('SIGNING_KEYS are given inline'));
    const answer = await callApi(home, 'POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
    expect(answer.status).toBe(200);
  }, 60_000);
});

test('the published set has the public halves only, those of keys that do not sign yet included', async () => {
  await startBoth('--alg', 'ES256');
  await cli.ok(['signing-keys', 'rotate', '--activate-in', '1h']);
  await cli.ok(['signing-keys', 'rotate', '--alg', 'HS256', '--activate-in', '2h']);
  const pairs = keysNow().filter(({ alg }) => alg === 'ES256');
  for (const instance of instances) {
    const jwks = await eventually(async () => {
      const { status, body } = await instance.request('GET', '/.well-known/jwks.json');
      return status === 200 && body.keys.length === 2 && body;
    });
    expect(jwks.keys).toEqual(pairs.map(({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg, use: 'sig' })));
    // Whoever fetches it verifies our tokens with it.
    const { token } = await instance.mintReturned();
    expect(contentOf(token)[0].kid).toBe(pairs[1]!.kid);
    expect(await verifies(token, jwks.keys[1])).toBe(true);
    expect(await verifies(token, jwks.keys[0])).toBe(false);
  }
}, 60_000);

test('a leaked database alone makes no token and opens no door', async () => {
  await startBoth();
  const [one] = instances as [TestService];
  const { token, id } = await one.mintReturned();
  const [header, claims] = contentOf(token);
  const database = await openDatabase(one.settings.databaseUrl);
  const [row] = await database.dataSource.query<Json[]>('SELECT * FROM links WHERE id = $1', [id]);
  const apps = new SqlAppStore(database);
  const key = (await apps.findKey('test'))!;
  await database.dataSource.destroy();

  // All of the claims are in the row; what is missing is a key. The thief tries whatever else is there.
  expect(row).toMatchObject({ id: claims.jti, app: claims.aud, subject: claims.sub, purpose: claims.purpose });
  const input = `${b64(JSON.stringify(header))}.${b64(JSON.stringify(claims))}`;
  for (const secret of [randomBytes(32), ...Object.values(row!).map(String), key.secretHash, '']) {
    for (const derived of [
      secret,
      Buffer.from(hkdfSync('sha256', secret, '', 'oncelink oncelink+jwt password-reset', 32)),
    ]) {
      const forged = `${input}.${createHmac('sha256', derived).update(input).digest('base64url')}`;
      expectProblem(await inspect(one, forged), 'token_invalid');
    }
  }
  // Nor is what is stored of an API key a key.
  for (const guess of [`olk_${key.id}_${key.secretHash}`, key.secretHash, `olk_${key.id}_`]) {
    const answer = await one.request('GET', '/v1/purposes', { headers: { authorization: `Bearer ${guess}` } });
    expectProblem(answer, 'unauthorized');
  }
  expect(ApiKeys.isWellFormed(`olk_${key.id}_${key.secretHash}`)).toBe(true);
  expect((await redeem(one, token)).status).toBe(200);
});

function keyMaterial(text: string): string {
  return (JSON.parse(text) as { keys: { k: string }[] }).keys[0]!.k;
}

/** With another implementation than ours: the platform's Web Crypto. */
async function verifies(token: string, jwk: object): Promise<boolean> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('jwk', jwk as never, algorithm, false, ['verify']);
  const [header, payload, signature] = token.split('.') as [string, string, string];
  return crypto.subtle.verify(algorithm, key, Buffer.from(signature, 'base64url'), Buffer.from(`${header}.${payload}`));
}
