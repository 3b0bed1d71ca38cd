import { jest } from '@jest/globals';
import type { LinkStore, Page } from '../../src/links/link-store.js';
import type { MessageStore } from '../../src/links/message-store.js';
import { recipientKey } from '../../src/links/recipient.js';
import type { Link } from '../../src/links/link.js';
import type { Database } from '../../src/storage/engines.js';
import { LINK_COLUMNS } from '../../src/storage/link-rows.js';
import { REACH } from '../../src/storage/list-pages.js';
import { Queries } from '../../src/storage/queries.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { SqlMessageStore } from '../../src/storage/sql-message-store.js';
import { sampleLink } from '../../src/testing.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

/** However rare what a page looks for, it looks through the links in stretches, so that others are served in between. */
let postgres: Postgres;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
afterAll(() => postgres.stop());

const NOW = 1_800_000_000_000;
const FREE = { quietSince: null, windows: [] };
type Row = Partial<Record<keyof typeof LINK_COLUMNS, string>>;
const RARE = { id: `0${'a'.repeat(29)}`, app: 'shop', subject: 'rare', recipient: 'rare@example.com', createdAt: NOW };

describe.each(['sqlite', 'postgres'])('%s', (engine) => {
  let database: Database;
  let links: LinkStore;
  let messages: MessageStore;
  beforeEach(async () => {
    const url = engine === 'sqlite' ? 'sqlite::memory:' : await postgres.createDatabase();
    database = await openWithSchema({ url, migrate: true });
    links = new SqlLinkStore(database);
    messages = new SqlMessageStore(database);
  });
  afterEach(() => database.dataSource.destroy());

  /** The oldest link of all is the only one of its kind, with what is written in its row changed by hand. */
  async function rare(change: Row): Promise<void> {
    await links.insert(sampleLink(RARE), FREE);
    for (const [column, value] of Object.entries(change))
      await database.dataSource.query(`UPDATE links SET ${column} = $1 WHERE id = $2`, [value, RARE.id]);
  }
  /** Newer links: two stretches of them, and a few. */
  async function many(change: Row = {}): Promise<void> {
    const first = sampleLink({ id: `5${'a'.repeat(29)}`, app: 'shop', createdAt: NOW });
    await links.insert(first, FREE);
    const names = Object.keys(LINK_COLUMNS);
    const texts: Record<string, string> = {
      id: "CAST(5000000 + n AS text) || 'aaaaaaaaaaaaaaaaaaaaaaa'",
      subject: "'user' || n",
      recipient_key: "'key' || n",
      ...change,
    };
    await database.dataSource.query(
      `INSERT INTO links (${names.join(', ')})
        WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${2 * REACH + 3})
        SELECT ${names.map((name) => texts[name] ?? `l.${name}`).join(', ')} FROM links AS l, s WHERE l.id = $1`,
      [first.id],
    );
  }
  type Ask = (page: { limit: number; after?: string }) => Promise<Page<Link>>;
  const ofLinks =
    (filter: Parameters<LinkStore['list']>[1], app = 'shop'): Ask =>
    (page) =>
      links.list(app, filter, page, NOW);
  const ofMessages =
    (filter: Parameters<MessageStore['list']>[1]): Ask =>
    (page) =>
      messages.list('shop', filter, page);
  /** @returns how many each page has, all that they have, and how many statements it took */
  async function walk(ask: Ask, limit = 50): Promise<{ sizes: number[]; found: string[]; statements: number }> {
    const asked = jest.spyOn(Queries.prototype, 'rows');
    const sizes: number[] = [];
    const found: string[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const page: Page<Link> = await ask({ limit, after });
      sizes.push(page.items.length);
      found.push(...Array.from(page.items, ({ id }) => id));
      after = page.nextCursor;
    }
    const statements = asked.mock.calls.length;
    asked.mockRestore();
    return { sizes, found, statements };
  }
  const alone = { sizes: [1], found: [RARE.id] };
  /** Where a stretch ends, and what is in it, for each of three. */
  const IN_STRETCHES = 6;

  test('a link that is rare is found by going on, stretch by stretch', async () => {
    await rare({ revoked_at: `${NOW}`, purpose: 'unused', via: 'email', delivery_status: 'sent' });
    await many();
    for (const ask of [
      ofLinks({ status: 'revoked' }),
      ofLinks({ purpose: 'unused' }),
      ofMessages({}),
      ofMessages({ status: 'sent' }),
    ])
      expect(await walk(ask)).toEqual({ ...alone, statements: IN_STRETCHES });
    expect(await walk(ofLinks({}, 'other'))).toEqual({ sizes: [0], found: [], statements: IN_STRETCHES });
  });

  test('what an index knows is found at once', async () => {
    await rare({ revoked_at: `${NOW}`, via: 'email', delivery_status: 'failed' });
    await many();
    const atOnce = async (ask: Ask): Promise<object> => {
      const { statements, ...pages } = await walk(ask);
      return statements < IN_STRETCHES ? pages : { statements };
    };
    const recipients = [{ key: recipientKey(RARE.recipient) }, { key: 'nobody' }];
    for (const ask of [
      ofLinks({ subject: 'rare' }),
      ofLinks({ subject: 'rare', status: 'revoked' }),
      ofLinks({ recipients }),
      ofLinks({ recipients, status: 'revoked' }),
      ofMessages({ recipients }),
      ofMessages({ status: 'failed' }),
    ])
      expect(await atOnce(ask)).toEqual(alone);
    await rare({ delivery_status: 'queued', due_at: `${NOW}` });
    for (const ask of [ofMessages({ status: 'queued' }), ofMessages({ status: 'queued', recipients })])
      expect(await atOnce(ask)).toEqual(alone);
  });

  test.each<[string, Row, Row, Ask]>([
    ['a subject', {}, { subject: "'rare'" }, ofLinks({ subject: 'rare', status: 'revoked' })],
    [
      'the undelivered mails',
      { delivery_status: 'failed' },
      { delivery_status: "'suppressed'" },
      ofMessages({ status: 'failed' }),
    ],
    [
      'a queue',
      { delivery_status: 'sending', due_at: `${NOW}` },
      { delivery_status: "'queued'", due_at: `${NOW}` },
      ofMessages({ status: 'sending' }),
    ],
  ])('nor is all of %s looked through in one go when it is long', async (_name, one, others, ask) => {
    await rare({ via: 'email', revoked_at: `${NOW}`, ...one });
    await many({ via: "'email'", ...others });
    const { statements, ...pages } = await walk(ask);
    expect(pages).toEqual(alone);
    expect(statements).toBeGreaterThanOrEqual(IN_STRETCHES);
  });

  test('and of what is not rare, each is in one page', async () => {
    await many();
    const { sizes, found: all } = await walk(ofLinks({ status: 'active' }), 200);
    expect([all.length, new Set(all).size]).toEqual([2 * REACH + 4, 2 * REACH + 4]);
    expect(all).toEqual([...all].sort().reverse());
    expect(sizes.slice(0, -1).every((size) => size === 200)).toBe(true);
  });
});
