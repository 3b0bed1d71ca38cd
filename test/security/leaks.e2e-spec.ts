import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createLogger, redact } from '../../src/log.js';
import { dataKeysText } from '../support/data-keys.js';
import { CANARY } from '../support/problem.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { Relay, reportUrlIn, urlIn } from '../support/relay.js';
import { API_KEY, eventually, startService, type Answer, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';
import { codeIn, Visitor } from '../support/visitor.js';

/** Everything that a life of links passes through, with words that occur nowhere else. */
let relay: Relay;
let service: TestService;
let postgres: Postgres;
const templates = new TemplatesCopy();
beforeAll(async () => {
  postgres = await startPostgres();
  const policy = 'purposes/password-reset/purpose.yaml';
  templates.edit(policy, 'oneTimeCode: none', 'oneTimeCode: mail');
  templates.edit(policy, 'cooldown: 30s', 'perClient: { 1h: 100 }\n  cooldown: 30s');
}, 60_000);
afterAll(async () => {
  await postgres.stop();
  templates.discard();
});
beforeEach(async () => {
  relay = await Relay.start();
});
afterEach(async () => {
  await service.stop();
  await relay.stop();
});

const PERSON = { local: 'zanzibar.quokka', domain: 'wombat.example' };
const RECIPIENT = `${PERSON.local}@${PERSON.domain}`;
const BOUNCER = `quokkina.bounce@${PERSON.domain}`;
const WORDS = { data: 'XylophoneData', template: 'XylophoneName', fingerprint: 'XylophonePrint', key: 'xylophone-key' };
const VERIFIER = 'XylophoneVerifierXylophoneVerifierXylophone';
const PASSWORD = 'XylophoneRelayPassword';
const CLIENT = '198.51.100.213';
const DKIM = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });

test.each<[engine: 'sqlite' | 'postgres', sealed: boolean]>([
  ['sqlite', true],
  ['sqlite', false],
  // In this order: the databases of one server share its write-ahead log.
  ['postgres', true],
  ['postgres', false],
])('what is secret is neither stored nor told: %s, recipients sealed: %s', async (engine, sealed) => {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-dkim-'));
  writeFileSync(join(directory, 'key.pem'), DKIM, { mode: 0o600 });
  service = await startService({
    env: {
      SMTP_URL: relay.url.replace('//', `//mailer:${PASSWORD}@`),
      MAIL_FROM: 'App <no-reply@app.example>',
      REDIRECT_URIS: 'https://app.example/back',
      TEMPLATES_DIR: templates.directory,
      DKIM_DOMAIN: 'app.example',
      DKIM_SELECTOR: 's2026',
      DKIM_KEY_FILE: join(directory, 'key.pem'),
      ...(sealed && { DATA_KEYS: dataKeysText('a') }),
      ...(engine === 'postgres' && { DATABASE_URL: await postgres.createDatabase() }),
    },
  });
  rmSync(directory, { recursive: true });
  relay.reply = (recipient) => (recipient === BOUNCER ? [550, `5.1.1 <${recipient}> unknown`] : undefined);
  const told: Answer[] = [];
  const refused = async (answer: Promise<Answer>): Promise<void> => void told.push(await answer);

  const mint = {
    recipient: RECIPIENT,
    subject: 'user',
    clientIp: CLIENT,
    data: { of: WORDS.data },
    templateData: { name: WORDS.template },
  };
  const headers = { 'idempotency-key': WORDS.key };
  const { id } = (await service.mint({ ...mint, fingerprint: WORDS.fingerprint }, headers)).body;
  const letter = (await relay.mailTo(RECIPIENT)).mail.text!;
  const url = urlIn(letter.split('\n').find((line) => line.includes('/l/')));
  const [typed] = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/m.exec(letter)!;
  const returned = await service.mintReturned({ ...mint, purpose: 'magic-link' });
  const bounced = (await service.mint({ ...mint, recipient: BOUNCER, subject: 'bouncer' })).body;
  await eventually(async () => (await service.api('GET', `/v1/links/${bounced.id}`)).body.delivery.status === 'failed');

  const visitor = new Visitor(service);
  await visitor.open(url);
  await visitor.get(`/links/${id}`);
  const code = codeIn(await visitor.press(id));
  const token = url.split('/l/')[1]!;
  const purpose = 'password-reset';
  await refused(service.api('POST', '/v1/links/redeem', { purpose, code, fingerprint: `${WORDS.fingerprint}2` }));
  await refused(service.api('POST', '/v1/links/redeem', { purpose: 'magic-link', token }));
  await refused(service.api('POST', '/v1/links/redeem', { purpose, token: `${token}x`, codeVerifier: VERIFIER }));
  const wrong = (typed.startsWith('2') ? '3' : '2') + typed.slice(1);
  await refused(service.api('POST', '/v1/links/redeem', { purpose, id, oneTimeCode: wrong }));
  await refused(service.api('POST', `/v1/links/${bounced.id}/resend`));
  await refused(service.mint({ ...mint, subject: 'somebody-else' }, headers));
  await refused(service.request('GET', '/v1/links', { headers: { authorization: `Bearer ${API_KEY}x` } }));
  await refused(service.request('GET', `/l/${token}x`));
  expect(told.every(({ status }) => status >= 400)).toBe(true);
  const redeemed = await service.api(
    'POST',
    '/v1/links/redeem',
    { purpose, code, fingerprint: WORDS.fingerprint },
    headers,
  );
  expect(redeemed.status).toBe(200);
  await refused(service.api('POST', '/v1/links/redeem', { purpose, token }));

  const [, payload, signature] = token.split('.');
  const { keys } = JSON.parse(readFileSync(join(service.directory, 'signing-keys.json'), 'utf8'));
  const secrets = [
    ...[token, returned.token, code, reportUrlIn(letter).split('/r/')[1]!].flatMap((jws) => jws.split('.').slice(1)),
    ...[typed, wrong].flatMap((one) => [one, one.replace('-', '')]),
    payload!,
    signature!,
    API_KEY.split('_')[2]!,
    keys[0].k,
    dataKeysText('a').split(':')[1]!,
    String(DKIM).split('\n')[1]!,
    PASSWORD,
    CLIENT,
    WORDS.fingerprint,
    WORDS.key,
    VERIFIER,
  ];
  const addresses = [RECIPIENT, BOUNCER];
  const people = [/zanzibar/i, /quokka/i, /wombat/i, /xylophone/i];

  const stored = engine === 'sqlite' ? storedBytes(service) : await storedByPostgres(service);
  for (const [where, bytes] of Object.entries(stored)) {
    for (const secret of secrets) expect([where, secret, bytes.includes(secret)]).toEqual([where, secret, false]);
    // Where nothing is sealed, the search finds them.
    for (const person of people) expect([where, person.test(bytes)]).toEqual([where, !sealed]);
  }
  const metrics = (await service.request('GET', '/metrics')).text;
  const problems = told.map(({ text, headers: h }) => text + JSON.stringify([...h])).join('\n');
  for (const [what, text] of Object.entries({ log: service.logged(), metrics, problems })) {
    for (const secret of [...secrets, ...addresses, WORDS.data, WORDS.template])
      expect([what, text.includes(secret)]).toEqual([what, false]);
  }
  expect(service.logged()).toContain(id);
});

/** The database as it lies on disk, the write-ahead log included. */
function storedBytes({ directory }: TestService): Record<string, string> {
  const files = readdirSync(directory).filter((file) => file.startsWith('oncelink.sqlite'));
  expect(files).toContain('oncelink.sqlite-wal');
  return { files: files.map((file) => readFileSync(join(directory, file)).toString('latin1')).join('\n') };
}

/** What a dump would have, and the server's files: tables and write-ahead log. */
async function storedByPostgres({ settings }: TestService): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: settings.databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const dump: string[] = [];
    for (const { name } of tables.rows)
      dump.push(
        ...(await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t`)).rows.map(({ row }) => row),
      );
    if (postgres.data === undefined) return { dump: dump.join('\n') };
    await client.query('CHECKPOINT');
    const { oid } = (await client.query('SELECT oid FROM pg_database WHERE datname = current_database()')).rows[0];
    const bytes = (folder: string): string =>
      readdirSync(join(postgres.data!, folder), { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => readFileSync(join(postgres.data!, folder, name)).toString('latin1'))
        .join('\n');
    return { dump: dump.join('\n'), tables: bytes(`base/${oid}`), log: bytes('pg_wal') };
  } finally {
    await client.end();
  }
}

test('an error of a driver is told without what was asked', () => {
  const lines: string[] = [];
  const logger = createLogger('trace', { write: (line: string) => lines.push(line) } as never);
  const error = Object.assign(new Error(`duplicate: Key (recipient)=(${RECIPIENT})`), {
    query: `INSERT … ${RECIPIENT}`,
    parameters: [RECIPIENT, API_KEY],
    driverError: { detail: RECIPIENT },
  });
  logger.error({ error: new Error('wrapped', { cause: error }) }, 'request failed');
  expect(lines.join('')).toContain('duplicate');
  for (const secret of [RECIPIENT, API_KEY]) expect(lines.join('')).not.toContain(secret);
  expect(redact(`${API_KEY} ${RECIPIENT} eyJhbGciOi.eyJpc3.c2ln`)).toBe('[redacted] [redacted] [redacted]');
});

test('whatever is logged and however, the line has no secret and is JSON', () => {
  const lines: string[] = [];
  const logger = createLogger('trace', { write: (line: string) => lines.push(line) } as never);
  const token = 'eyJhbGciOi.eyJpc3M.c2ln_-1';
  const quoted = [
    `to ${RECIPIENT}`,
    `"${RECIPIENT}"`,
    `'${API_KEY}'\\`,
    `first\n${RECIPIENT}\tlast`,
    `C:\\${RECIPIENT}\\"`,
    `https://ann:${PASSWORD}@relay.example/l/${token}?x`,
    `{"to":"${RECIPIENT}"}`,
    `\u2028${RECIPIENT}\0`,
    `${'\\'.repeat(600)}${RECIPIENT}`,
    `${'\\n'.repeat(300)}${RECIPIENT}`,
    `${'x\n'.repeat(300)}${RECIPIENT}`,
  ];
  for (const text of quoted) {
    logger.info(text);
    logger.warn({ text, deep: { list: [text] }, [text]: 1 }, 'facts');
    logger.error({ error: new Error(text, { cause: text }) }, text);
    logger.fatal(new Error(text));
  }
  expect(lines).toHaveLength(4 * quoted.length);
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), msg: expect.any(String) });
    for (const secret of [RECIPIENT, PERSON.domain, API_KEY, PASSWORD, token]) expect(line).not.toContain(secret);
  }
});

test('no answer and no header repeats anything of a request, wherever it was put', async () => {
  service = await startService();
  const marked = `${CANARY}-${CANARY}`;
  const names = ['purpose', 'recipient', 'subject', 'locale', 'delivery', 'expiresIn', 'redirectUri', 'data', 'templateData',
    'fingerprint', 'codeChallenge', 'clientIp', 'decoy', 'token', 'code', 'codeVerifier', marked]; // prettier-ignore
  const good = { purpose: 'password-reset', recipient: 'ann@example.com', subject: 'user' };
  const answers: Promise<Answer>[] = [];
  for (const name of names) {
    for (const value of [marked, `${marked} \r\n`, [marked], { [marked]: { [marked]: marked } }]) {
      answers.push(service.api('POST', '/v1/links', { ...good, [name]: value, unknown: marked }));
      answers.push(service.api('POST', '/v1/links/redeem', { purpose: marked, [name]: value, unknown: marked }));
    }
    answers.push(service.api('GET', `/v1/links?${name}=${marked}&unknown=${marked}`));
  }
  for (const path of [
    `/${marked}`,
    `/v1/${marked}`,
    `/v1/links/${marked}`,
    `/l/${marked}`,
    `/links/${marked}`,
    `/%${marked}`,
  ]) {
    for (const method of ['GET', 'POST', 'DELETE']) answers.push(service.api(method, `${path}?${marked}=${marked}`));
  }
  for (const header of [
    'idempotency-key',
    'authorization',
    'content-type',
    'cookie',
    'origin',
    'x-forwarded-host',
    'accept-language',
    'user-agent',
  ])
    answers.push(service.api('POST', '/v1/links', { ...good, unknown: 1 }, { [header]: `${marked} ${marked}` }));
  answers.push(service.api('POST', '/v1/links', `{"${marked}": ${marked}`, { 'content-type': 'application/json' }));
  for (const answer of await Promise.all(answers)) {
    expect(answer.status).toBeGreaterThanOrEqual(300);
    expect(answer.text.toLowerCase() + JSON.stringify([...answer.headers]).toLowerCase()).not.toContain(
      CANARY.toLowerCase(),
    );
  }
});
