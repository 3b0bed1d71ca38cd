import { jest } from '@jest/globals';
import { Queries } from '../../src/storage/queries.js';
import type { Database } from '../../src/storage/engines.js';
import { linkStatements } from '../../src/storage/link-statements.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { sampleLink } from '../../src/testing.js';

let database: Database;
beforeEach(async () => void (database = await openWithSchema({ url: 'sqlite::memory:', migrate: true })));
afterEach(async () => {
  jest.restoreAllMocks();
  await database.dataSource.destroy();
});

test('redemptions are written before mints that came first, and each crowd in one statement', async () => {
  const store = new SqlLinkStore(database);
  const sql = linkStatements(database.dialect);
  const free = { quietSince: null, windows: [] };
  const links = Array.from({ length: 20 }, () => sampleLink());
  await Promise.all(links.map((link) => store.insert(link, free)));
  const asked = jest.spyOn(Queries.prototype, 'rows');
  const mints = Array.from({ length: 20 }, () => store.insert(sampleLink(), free));
  const redemptions = links.map(({ id, app, purpose }) =>
    store.redeem({
      id,
      app,
      purpose,
      fingerprint: null,
      challenge: null,
      challengeRequired: false,
      redeemKey: null,
      now: links[0]!.createdAt,
    }),
  );
  expect((await Promise.all([...mints, ...redemptions])).filter(Boolean)).toHaveLength(40);
  expect(asked.mock.calls.map(([text]) => text)).toEqual([sql.redeem.sql, sql.insert.sql]);
});

test('mints with one Idempotency-Key are never in one statement, so that the second hears of the first', async () => {
  const store = new SqlLinkStore(database);
  const { insert } = linkStatements(database.dialect);
  const asked = jest.spyOn(Queries.prototype, 'rows');
  const withKeys = (...keys: (string | null)[]) =>
    Promise.all(
      keys.map((idempotencyKey) => store.insert(sampleLink({ idempotencyKey }), { quietSince: null, windows: [] })),
    );
  expect(await withKeys('one', 'two', 'one', null, null)).toEqual([true, true, false, true, true]);
  expect(asked.mock.calls.map(([text]) => text)).toEqual([insert.sql, insert.sql]);
});
