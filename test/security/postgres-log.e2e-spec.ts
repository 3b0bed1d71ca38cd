import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { dataKeysText } from '../support/data-keys.js';
import { PostgresCluster } from '../support/postgres-cluster.mjs';
import { API_KEY, eventually, freePort, startService, type TestService } from '../support/service.js';

/**
 * What the log of the PostgreSQL server has of us. Its operator decides what is written there: the least is what it
 * writes by itself, the most is every statement with its parameters.
 */
const MOST = { log_statement: 'all', log_parameter_max_length: -1, log_parameter_max_length_on_error: -1 };
/** SECURITY.md, T7. */
const QUIET = { log_statement: 'all', log_parameter_max_length: 0, log_error_verbosity: 'terse' };

const PERSON = 'zanzibar.quokka@wombat.example';
const [SUBJECT, DATA, NAME] = ['XylophoneSubject', 'XylophoneData', 'XylophoneName'];
const [FINGERPRINT, KEY] = ['XylophonePrint', 'xylophone-key'];

let cluster: PostgresCluster;
let base: string;
let stopServer: () => Promise<void>;
beforeAll(async () => {
  cluster = new PostgresCluster(['--no-sync']);
  const port = await freePort();
  const log = { logging_collector: 'on', log_directory: 'log', log_filename: 'server.log', log_file_mode: '0644' };
  const server = cluster.serve({ port, ...log });
  base = `postgres://postgres@127.0.0.1:${port}/postgres`;
  stopServer = async () => {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    await gone;
  };
  await eventually(() => ask(base, 'SELECT 1').catch(() => false), 20);
}, 60_000);
afterAll(async () => {
  await stopServer();
  cluster.remove();
});

async function ask(url: string, sql: string): Promise<true> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
  return true;
}

let databases = 0;
/** A database of its own, whose statements are logged as told. */
async function database(settings: Record<string, string | number>): Promise<string> {
  const url = new URL(base);
  url.pathname = `logged_${++databases}`;
  await ask(base, `CREATE DATABASE logged_${databases}`);
  for (const [name, value] of Object.entries(settings))
    await ask(base, `ALTER DATABASE logged_${databases} SET ${name} = '${value}'`);
  return url.href;
}

/** All that the server has written, up to a mark of our own. */
async function serverLog(): Promise<string> {
  const mark = `mark_${++databases}_`;
  await ask(base, `SELECT ${mark}`).catch(() => undefined);
  const folder = join(cluster.data, 'log');
  const text = (): string => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n'); // prettier-ignore
  return eventually(() => text().includes(mark) && text());
}

const mintBody = {
  recipient: PERSON,
  subject: SUBJECT,
  delivery: 'return',
  data: { of: DATA },
  templateData: { name: NAME },
  fingerprint: FINGERPRINT,
};

/** A life of links, refusals among it. @returns what must be in no log at all */
async function live(service: TestService): Promise<string[]> {
  const purpose = 'password-reset';
  const { id, token } = (await service.mint(mintBody, { 'idempotency-key': KEY })).body;
  const redeem = (fingerprint: string) => service.api('POST', '/v1/links/redeem', { token, purpose, fingerprint });
  const statuses: number[] = [];
  for (const print of ['another', FINGERPRINT, FINGERPRINT]) statuses.push((await redeem(print)).status);
  expect(statuses).toEqual([409, 200, 410]);
  const found = await service.api('GET', `/v1/links?recipient=${encodeURIComponent(PERSON)}`);
  expect(found.body.items).toEqual([expect.objectContaining({ id })]);
  return [...(token as string).split('.').slice(1), API_KEY.split('_')[2]!, FINGERPRINT, KEY];
}

/** A statement that fails for the row that it would write, as one of ours never should. */
async function fail(service: TestService): Promise<void> {
  await ask(service.settings.databaseUrl, 'ALTER TABLE links ADD CONSTRAINT no_more CHECK (created_at < 0) NOT VALID');
  expect((await service.mint({ ...mintBody, purpose: 'magic-link' })).status).toBeGreaterThanOrEqual(500);
  expect(await serverLog()).toContain('violates check constraint "no_more"');
}

const ALL = { person: true, subject: true, data: true, name: true };
const NONE = { person: false, subject: false, data: false, name: false };
test.each<[what: string, settings: object, { fails?: boolean; sealed?: boolean }, has: typeof ALL]>([
  ['by itself, of statements that succeed: nothing', {}, {}, NONE],
  ['by itself, of one that fails for its row: that row', {}, { fails: true }, ALL],
  ['set as SECURITY.md says, of every statement: nothing', QUIET, { fails: true }, NONE],
  ['set to write all there is: what the rows have', MOST, {}, ALL],
  ['set to write all there is, while rows are sealed: subjects', MOST, { fails: true, sealed: true }, { ...NONE, subject: true }], // prettier-ignore
])(
  'the server’s log has no token, fingerprint or key; %s',
  async (_what, settings, { fails, sealed }, has) => {
    const before = (await serverLog()).length;
    const DATABASE_URL = await database(settings as Record<string, string>);
    const service = await startService({ env: { DATABASE_URL, ...(sealed && { DATA_KEYS: dataKeysText('a') }) } });
    try {
      const secrets = await live(service);
      if (fails) await fail(service);
      const log = (await serverLog()).slice(before);
      // Statements are logged where they are meant to be.
      expect(/\bINSERT INTO links\b/.test(log)).toBe('log_statement' in settings || fails === true);
      for (const secret of secrets) expect([secret, log.includes(secret)]).toEqual([secret, false]);
      expect({
        person: log.includes(PERSON),
        subject: log.includes(SUBJECT),
        data: log.includes(DATA),
        name: log.includes(NAME),
      }).toEqual(has);
    } finally {
      await service.stop();
    }
  },
  60_000,
);
