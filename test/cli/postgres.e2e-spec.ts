import { PostgresCluster } from '../support/postgres-cluster.mjs';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { eventually, freePort } from '../support/service.js';
import { Cli } from './cli.js';

let postgres: Postgres;
let cli: Cli;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
afterAll(() => postgres.stop());
beforeEach(async () => {
  cli = new Cli({
    NODE_ENV: 'production',
    DATABASE_URL: await postgres.createDatabase(),
    PUBLIC_URL: 'https://links.example.com',
    SIGNING_KEYS_FILE: './signing-keys.json',
  });
});
afterEach(() => cli.clear());

const finding = async (check: string): Promise<unknown> => {
  const { stdout } = await cli.run(['doctor', '--json']);
  return (JSON.parse(stdout) as { check: string }[]).find((one) => one.check === check);
};

test('a shared database in production is migrated on purpose only', async () => {
  const { code, stderr } = await cli.run(['apps', 'create', 'shop']);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('oncelink migrate') });
  expect(await finding('schema')).toMatchObject({ result: 'FAIL' });

  const outcomes = await Promise.all([1, 2, 3].map(() => cli.run(['migrate'])));
  expect(outcomes.map(({ code, stderr }) => ({ code, stderr }))).toEqual(outcomes.map(() => ({ code: 0, stderr: '' })));
  expect(await cli.ok(['migrate'])).toContain('nothing to do');
  expect(await finding('schema')).toMatchObject({ result: 'ok' });
  expect(await finding('durability')).toMatchObject({ result: 'ok', detail: 'fsync=on, synchronous_commit=on' });
}, 60_000);

test('a server that may forget what it confirmed is a failure', async () => {
  const cluster = new PostgresCluster(['--no-sync']);
  const port = await freePort();
  const server = cluster.serve({ port, fsync: 'off' });
  const env = { DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/postgres` };
  try {
    const told = await eventually(async () => {
      const { stdout } = await cli.run(['doctor'], env);
      return stdout.includes('fsync') && stdout;
    }, 30);
    expect(told).toMatch(/^FAIL {2}database .*fsync/m);
    expect(await cli.run(['migrate'], env)).toMatchObject({ code: 1, stderr: expect.stringContaining('fsync') });
  } finally {
    const ended = new Promise((done) => server.once('exit', done));
    server.kill('SIGINT');
    await ended;
    cluster.remove();
  }
}, 60_000);

test('apps, keys and links work as on SQLite', async () => {
  await cli.ok(['migrate']);
  await cli.ok(['signing-keys', 'rotate']);
  const { apiKey } = await cli.json(['apps', 'create', 'shop', '--json']);
  const recipient = ['--recipient', 'ann@example.com', '--subject', 'ann'];
  const { id, token } = await cli.json([
    ...['mint', '--app', 'shop', '--purpose', 'magic-link', '--delivery', 'return'],
    ...recipient,
  ]);
  expect(await cli.json(['show', token])).toMatchObject({ id, app: 'shop', status: 'active' });
  expect(await cli.ok(['revoke', id])).toContain('is revoked');
  expect(await cli.json(['show', id])).toMatchObject({ status: 'revoked' });
  expect(await cli.ok(['keys', 'revoke', apiKey.id])).toContain('is revoked');
  expect(await cli.json(['keys', 'list', '--json'])).toMatchObject([
    { id: apiKey.id, app: 'shop', revokedAt: expect.stringMatching(/Z$/) },
  ]);
}, 60_000);
