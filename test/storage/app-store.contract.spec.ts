import { jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCOPES, type StoredApiKey } from '../../src/apps/app.js';
import { Queries } from '../../src/storage/queries.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlAppStore } from '../../src/storage/sql-app-store.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

const KEY: StoredApiKey = {
  id: 'k1',
  app: 'shop',
  secretHash: 'hash',
  scopes: SCOPES,
  purposes: ['magic-link', 'password-reset'],
  label: 'web servers',
  createdAt: 1_800_000_000_000,
  expiresAt: 1_900_000_000_000,
  revokedAt: null,
  lastUsedAt: null,
};
const NOW = 1_800_000_100_000;

/** Two instances of the service on one database. */
function sitExam(createDatabase: () => Promise<string>): void {
  async function twoStores(work: (one: SqlAppStore, two: SqlAppStore) => Promise<void>): Promise<void> {
    const url = await createDatabase();
    const databases = [await openWithSchema({ url, migrate: true }), await openWithSchema({ url, migrate: true })];
    const [one, two] = databases.map((database) => new SqlAppStore(database)) as [SqlAppStore, SqlAppStore];
    await one.saveKey(KEY);
    await work(one, two).finally(() => Promise.all(databases.map(({ dataSource }) => dataSource.destroy())));
  }

  test('a key comes back as it was saved', () =>
    twoStores(async (one, two) => {
      const plain = { ...KEY, id: 'k2', purposes: null, expiresAt: null };
      await one.saveKey(plain);
      expect(await two.findKey('k1')).toEqual(KEY);
      expect(await two.listKeys('shop')).toEqual([KEY, plain]);
    }));

  test('who tries many keys at once is answered by few statements, and each key rightly', () =>
    twoStores(async (one) => {
      const guesses = Array.from({ length: 300 }, (_, n) => (n % 100 === 42 ? 'k1' : `guess${n}`));
      const statements = jest.spyOn(Queries.prototype, 'rows');
      const found = await Promise.all(guesses.map((id) => one.findKey(id)));
      expect(found).toEqual(guesses.map((id) => (id === 'k1' ? KEY : undefined)));
      expect(statements.mock.calls.length).toBeLessThanOrEqual(3);
      statements.mockRestore();
    }));

  test('a key that was revoked stays revoked, whoever saves it again', () =>
    twoStores(async (one, two) => {
      expect(await one.revokeKey('k1', NOW)).toBe(true);
      await two.saveKey(KEY);
      expect((await two.findKey('k1'))?.revokedAt).toBe(NOW);
      expect(await two.revokeKey('k1', NOW + 1)).toBe(false);
    }));

  test('of uses noted by several instances within a minute the first is kept, and none is put back', () =>
    twoStores(async (one, two) => {
      const used = async (): Promise<unknown> => (await one.findKey('k1'))?.lastUsedAt;
      await one.noteKeyUse('k1', NOW, NOW - 60_000);
      await two.noteKeyUse('k1', NOW + 59_999, NOW - 1);
      expect(await used()).toBe(NOW);
      await Promise.all([one, two].map((store) => store.noteKeyUse('k1', NOW + 60_000, NOW)));
      expect(await used()).toBe(NOW + 60_000);
      await two.noteKeyUse('k1', NOW + 30_000, NOW - 30_000);
      expect(await used()).toBe(NOW + 60_000);
    }));
}

describe.each(['sqlite', 'better-sqlite3'])('%s', (scheme) => {
  let directory: string;
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'oncelink-apps-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  let file = 0;
  sitExam(async () => `${scheme}:${join(directory, `${file++}.sqlite`)}`);
});

describe('postgres', () => {
  let postgres: Postgres;
  beforeAll(async () => void (postgres = await startPostgres()), 60_000);
  afterAll(() => postgres.stop());
  sitExam(() => postgres.createDatabase());
});
