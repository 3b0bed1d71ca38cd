import { connect, createServer, type AddressInfo } from 'node:net';
import pg from 'pg';
import { Unavailable } from '../../src/links/errors.js';
import type { Link } from '../../src/links/link.js';
import { LinkIds } from '../../src/links/link-ids.js';
import type { MintGuard, Redemption } from '../../src/links/link-store.js';
import { recipientKey } from '../../src/links/recipient.js';
import { openDatabase, type Database } from '../../src/storage/engines.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { sampleLink } from '../../src/testing.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { eventually } from '../support/service.js';

/** What only a server of its own can do to us: other defaults, and other instances on the same tables. */
let postgres: Postgres;
let url: string;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
beforeEach(async () => void (url = await postgres.createDatabase()));
afterAll(() => postgres.stop());

const NOW = Date.now();
const HOUR = 3_600_000;
const FREE = { quietSince: null, windows: [] };
const ids = new LinkIds(() => NOW);
const link = (change: Parameters<typeof sampleLink>[0] = {}) =>
  sampleLink({ id: ids.next(), createdAt: NOW, issuedAt: NOW, expiresAt: NOW + 600_000, ...change });
const mail = () => link({ via: 'email', delivery: { status: 'queued', dueAt: NOW, deliverBy: NOW + 600_000 } });

/** A session of somebody else's. */
async function asAdmin<Answer>(work: (client: pg.Client) => Promise<Answer>): Promise<Answer> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}

describe('whatever the database has as its defaults, and whatever DATABASE_URL asks for', () => {
  const DEFAULTS = {
    synchronous_commit: 'off',
    statement_timeout: '0',
    default_transaction_isolation: 'serializable',
  };
  beforeEach(() =>
    asAdmin(async (client) => {
      const { database } = client;
      for (const [name, value] of Object.entries(DEFAULTS))
        await client.query(`ALTER DATABASE ${database} SET ${name} = '${value}'`);
    }),
  );

  test.each([
    ['nothing', ''],
    ['options of its own', '-c application_name=ours -c synchronous_commit=off'],
  ])('every session commits to disk, gives up in time and reads what is committed: %s', async (_name, options) => {
    const asked = new URL(url);
    if (options) asked.searchParams.set('options', options);
    const { dataSource } = await openDatabase(asked.href);
    try {
      const names = ['synchronous_commit', 'statement_timeout', 'transaction_isolation', 'application_name'];
      const settings = names.map((name) => `current_setting('${name}') AS ${name}`).join(', ');
      // All connections of the pool.
      const sessions = await Promise.all(
        Array.from({ length: 10 }, () => dataSource.query(`SELECT ${settings}, pg_sleep(0.1)::text AS slept`)),
      );
      for (const [session] of sessions)
        expect(session).toEqual({
          synchronous_commit: 'on',
          statement_timeout: '1500ms',
          transaction_isolation: 'read committed',
          application_name: options && 'ours',
          slept: '',
        });
    } finally {
      await dataSource.destroy();
    }
  });

  test('a pooler that drops our settings on the way is refused at start', async () => {
    const pooler = await poolerWithoutOptions();
    try {
      await expect(openDatabase(pooler.url)).rejects.toThrow(
        / synchronous_commit=off, transaction_isolation=serializable, .*pooler/,
      );
    } finally {
      pooler.close();
    }
  });
});

/** Passes everything on but the `options` of a connection's first message. */
async function poolerWithoutOptions(): Promise<{ url: string; close(): void }> {
  const to = new URL(url);
  const server = createServer((near) => {
    const far = connect(Number(to.port || 5432), to.hostname);
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.once('data', (first: Buffer) => {
      const words = first.subarray(8, first.readInt32BE(0)).toString().split('\0');
      const at = words.indexOf('options');
      if (at >= 0) words.splice(at, 2);
      const rest = Buffer.from(words.join('\0'));
      const head = Buffer.from(first.subarray(0, 8));
      head.writeInt32BE(8 + rest.length);
      far.write(Buffer.concat([head, rest]));
      near.pipe(far).pipe(near);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const here = new URL(url);
  here.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: here.href, close: () => server.close() };
}

test('a mail that another instance is claiming is passed over, not waited for', async () => {
  const { dataSource, dialect } = await openWithSchema({ url, migrate: true });
  try {
    const store = new SqlLinkStore({ dataSource, dialect });
    const [first, second] = [mail(), mail()];
    for (const one of [first, second]) await store.insert(one, FREE);
    const claimed = await asAdmin(async (other) => {
      await other.query('BEGIN');
      await other.query('SELECT 1 FROM links WHERE id = $1 FOR UPDATE', [first.id]);
      return store.claimDue('ours', NOW, NOW + 15_000, 1);
    });
    expect(claimed.map(({ id }) => id)).toEqual([second.id]);
  } finally {
    await dataSource.destroy();
  }
});

test('a mint that waits too long for its turn is told so and never carried out; those behind it are', async () => {
  const { dataSource, dialect } = await openWithSchema({ url, migrate: true });
  try {
    const store = new SqlLinkStore({ dataSource, dialect });
    const late = link({ recipient: 'ann@example.com' });
    await store.insert(link(), FREE);
    await asAdmin(async (other) => {
      // What another instance holds while it mints for the same recipient; it was frozen in the middle.
      const key = `recipient ${late.app} ${late.recipientKey}`;
      await other.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [key]);
      await expect(store.insert(late, FREE)).rejects.toBeInstanceOf(Unavailable);
      expect(await store.insert(link(), FREE)).toBe(true);
    });
    expect(await store.insert(link({ recipient: 'ann@example.com' }), FREE)).toBe(true);
    expect(await store.find(late.app, late.id)).toBeUndefined();
  } finally {
    await dataSource.destroy();
  }
});

/** How many sessions wait for another. */
async function waiting(client: pg.Client): Promise<number> {
  const sql = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  return (await client.query(sql)).rows.length;
}

describe('three instances', () => {
  let databases: Database[];
  let stores: SqlLinkStore[];
  beforeEach(async () => {
    databases = [await openWithSchema({ url, migrate: true })];
    for (let n = 0; n < 2; n++) databases.push(await openWithSchema({ url, migrate: false }));
    stores = databases.map((database) => new SqlLinkStore(database));
  });
  afterEach(() => Promise.all(databases.map(({ dataSource }) => dataSource.destroy())));

  /** Asks every instance `times` times, all at once. */
  const all = <Answer>(times: number, ask: (store: SqlLinkStore, nth: number) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: times }, (_, nth) => stores.map((store) => ask(store, nth))).flat());
  const count = (answers: readonly unknown[]): number => answers.filter(Boolean).length;
  const mint =
    (change: Parameters<typeof sampleLink>[0], guard: MintGuard = FREE) =>
    (store: SqlLinkStore) =>
      store.insert(link(change), guard);
  const redemption = ({ id, app, purpose }: Link): Redemption => ({
    id,
    app,
    purpose,
    fingerprint: null,
    challenge: null,
    challengeRequired: false,
    redeemKey: null,
    now: NOW,
  });

  test('keep the limit by recipient together, ten times over', async () => {
    const guard = { quietSince: null, windows: [{ by: 'recipient', since: NOW - HOUR, count: 5 } as const] };
    for (let round = 0; round < 10; round++)
      expect(count(await all(4, mint({ recipient: `ann-${round}@example.com` }, guard)))).toBe(5);
  });

  test.each(['subject', 'client', 'app', 'service'] as const)('keep the limit by %s together', async (by) => {
    for (let round = 1; round <= 5; round++) {
      const key = `${by}-${round}`;
      // Fewer than there are instances. By the service, all that was minted before counts, too.
      const permits = by === 'service' ? 2 * round : 2;
      const guard = { quietSince: null, client: key, windows: [{ by, since: NOW - HOUR, count: permits }] };
      expect(count(await all(4, mint({ app: key, subject: key, supersedes: false }, guard)))).toBe(2);
    }
  });

  test('give an Idempotency-Key to one mint', async () => {
    expect(count(await all(4, mint({ idempotencyKey: 'key' })))).toBe(1);
  });

  test('redeem each link once', async () => {
    const links = Array.from({ length: 50 }, () => link());
    for (const one of links) await stores[0]!.insert(one, FREE);
    const wins = await all(6, (store) => Promise.all(links.map((one) => store.redeem(redemption(one)))));
    const won = wins.flat().flatMap((one) => one?.id ?? []);
    expect(won.sort()).toEqual(links.map(({ id }) => id).sort());
  });

  test('mint with the same Idempotency-Keys backwards and never wait in a ring', async () => {
    const [first, second] = stores as [SqlLinkStore, SqlLinkStore];
    const keys = Array.from({ length: 50 }, (_, nth) => `key-${nth}`);
    const held = link();
    await first.insert(held, FREE);
    const answers = await asAdmin(async (other) => {
      // Either comes as far as the one in the middle, and would then need what the other holds.
      await other.query('BEGIN');
      await other.query('UPDATE links SET idempotency_key = $1 WHERE id = $2', [keys[25], held.id]);
      const mints = (store: SqlLinkStore, inOrder: string[]) =>
        inOrder.map((idempotencyKey) => store.insert(link({ idempotencyKey }), FREE));
      const answered = Promise.allSettled([...mints(first, keys), ...mints(second, [...keys].reverse())]);
      await eventually(async () => (await waiting(other)) === 2);
      await other.query('COMMIT');
      return answered;
    });
    expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
    const won = answers.map((one) => one.status === 'fulfilled' && one.value);
    // Each key once, and the one in the middle is somebody else's.
    expect(won.filter(Boolean)).toHaveLength(49);
    for (const [nth] of keys.entries()) expect(won[nth] && won[99 - nth]).toBe(false);
  });

  test.each(['redeem', 'settle'] as const)(
    'wait for each other and never in a ring: one redeems, another %ss the same links backwards',
    async (act) => {
      const [first, second] = stores as [SqlLinkStore, SqlLinkStore];
      const links = Array.from({ length: 50 }, mail);
      for (const one of links) await first.insert(one, FREE);
      await first.claimDue('lease', NOW, NOW + 15_000, links.length);
      const acts: Record<typeof act, (one: Link) => Promise<unknown>> = {
        redeem: (one: Link) => second.redeem(redemption(one)),
        settle: (one: Link) => second.settle(one.id, 'lease', { status: 'sent', at: NOW }),
      };
      const answers = await asAdmin(async (other) => {
        // Either comes as far as the one in the middle, and then needs what the other holds.
        await other.query('BEGIN');
        await other.query('SELECT 1 FROM links WHERE id = $1 FOR UPDATE', [links[25]!.id]);
        const asked = [...links.map((one) => first.redeem(redemption(one))), ...[...links].reverse().map(acts[act])];
        const answered = Promise.allSettled(asked);
        await eventually(async () => (await waiting(other)) === 2);
        await other.query('COMMIT');
        return answered;
      });
      expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(0);
      const won = answers.slice(0, 50).filter((one) => one.status === 'fulfilled' && one.value);
      const others = answers.slice(50).filter((one) => one.status === 'fulfilled' && one.value);
      expect([won.length, others.length].sort()).toEqual(act === 'redeem' ? [0, 50] : [50, 50]);
    },
  );

  test('nor does a revocation of many links, in whatever order an index finds them', async () => {
    const [first, second] = stores as [SqlLinkStore, SqlLinkStore];
    const keyOf = (recipient: string): string => recipientKey(recipient);
    // The newer half is the first in the index by recipients.
    const readers = ['ann@example.com', 'ben@example.com'].sort((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1));
    const links = Array.from({ length: 50 }, (_, nth) => link({ recipient: readers[nth > 25 ? 1 : 0]! }));
    for (const one of links) await first.insert(one, FREE);
    const recipients = readers.map((reader) => ({ key: keyOf(reader) }));
    const answers = await asAdmin(async (other) => {
      await other.query('BEGIN');
      await other.query('SELECT 1 FROM links WHERE id = $1 FOR UPDATE', [links[25]!.id]);
      const redeemed = Promise.allSettled(links.map(async (one) => count([await first.redeem(redemption(one))])));
      await eventually(async () => (await waiting(other)) === 1);
      const revoked = Promise.allSettled([second.revoke('default', { recipients }, NOW)]);
      await eventually(async () => (await waiting(other)) === 2);
      await other.query('COMMIT');
      return [...(await redeemed), ...(await revoked)];
    });
    expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
    const ends = answers.map((one) => (one.status === 'fulfilled' ? Number(one.value) : NaN));
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(50);
  });

  test('revoke for each other, and of a revocation and redemptions one wins', async () => {
    for (let round = 0; round < 10; round++) {
      const one = link();
      await stores[0]!.insert(one, FREE);
      const ends = await all(1, async (store) =>
        store === stores[1]
          ? store.revoke('default', { id: one.id }, NOW)
          : count([await store.redeem(redemption(one))]),
      );
      expect(ends.reduce((sum, end) => sum + end, 0)).toBe(1);
    }
  });

  test('claim each mail once', async () => {
    for (let n = 0; n < 40; n++) await stores[0]!.insert(mail(), FREE);
    const claimed = (await all(4, (store, nth) => store.claimDue(`lease ${nth}`, NOW, NOW + 15_000, 5))).flat();
    expect(new Set(claimed.map(({ id }) => id)).size).toBe(claimed.length);
    expect(claimed.length).toBeGreaterThan(5);
  });
});
