import { jest } from '@jest/globals';
import type { Database } from '../../src/storage/engines.js';
import { linkStatements } from '../../src/storage/link-statements.js';
import { Queries } from '../../src/storage/queries.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlAppStore } from '../../src/storage/sql-app-store.js';
import { openLinkStore, openMessageStore } from '../../src/storage/stores.js';
import { linkStoreExam, messageStoreExam } from '../../src/testing.js';
import { dataKeys } from '../support/data-keys.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

/**
 * Whatever the exam asks is planned once more and looked up in an index, by a condition: so it costs the same at ten
 * million rows as at a thousand. Nobody has counted the rows yet, as in a database that is new.
 */
let postgres: Postgres;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
afterAll(() => postgres.stop());

/** The first or last of an index needs no condition, but must be taken from there. */
const ENDS = /^SELECT MIN\(\w+\) AS \w+ FROM links\b|\bSELECT \(SELECT MAX\(\w+\) FROM links\) AS \w+$/;
const NOT_FROM_INDEX = /^SCAN links|Seq Scan|Bitmap/;

const ENGINES = {
  sqlite: {
    url: async () => 'sqlite::memory:',
    explain: 'EXPLAIN QUERY PLAN',
    faults: (plan: string[]) =>
      plan
        .filter((line) => /^SCAN (l|n|o|p|links|suppressions|api_keys)\b|^SEARCH .*INDEX \w+$|AUTOMATIC/.test(line))
        // What a subquery has found is no table.
        .filter((line) => !plan.includes(line.replace('SCAN', 'CO-ROUTINE'))),
    sorts: /TEMP B-TREE/,
  },
  postgres: {
    url: () => postgres.createDatabase(),
    explain: 'EXPLAIN',
    faults: (plan: string[]) =>
      plan.filter(
        (line, at) => /Scan .*on (links|suppressions|api_keys)/.test(line) && !/Cond:/.test(plan[at + 1] ?? ''),
      ),
    sorts: /Sort/,
  },
};

describe.each(Object.entries(ENGINES))('%s', (_name, { url, explain, faults, sorts }) => {
  let database: Database;
  beforeAll(async () => void (database = await openWithSchema({ url: await url(), migrate: true })));
  afterAll(() => database.dataSource.destroy());

  async function planOf(sql: string, values: unknown[]): Promise<string[]> {
    const lines = await database.dataSource.query<Record<string, string>[]>(
      `${explain} ${sql}`,
      database.dialect.bind(values),
    );
    return lines.map((line) => line['detail'] ?? line['QUERY PLAN']!);
  }

  test('no question reads a whole table', async () => {
    const asked = await questions(database);
    const found: object[] = [];
    for (const [sql, values] of asked) {
      const plan = await planOf(sql, values);
      const wrong = ENDS.test(sql) ? plan.filter((line) => NOT_FROM_INDEX.test(line)) : faults(plan);
      if (wrong.length > 0) found.push({ sql, plan: wrong });
    }
    expect(found).toEqual([]);
    const statements = Object.values(linkStatements(database.dialect)).flatMap((one) =>
      typeof one === 'string' ? one : 'sql' in one ? one.sql : [],
    );
    expect(statements).toContain(linkStatements(database.dialect).redeem.sql);
    expect(statements.filter((one) => !asked.has(one))).toEqual([]);
  });

  test('the first of a queue are claimed without judging or sorting all of it', async () => {
    const plan = await planOf(linkStatements(database.dialect).claimDue, ['lease', 1, 2, 5]);
    expect(plan.join('\n')).toMatch(/links_due/);
    expect(plan.join('\n')).not.toMatch(sorts);
  });
});

/** Every question that the exam asks of these stores, and that API keys are asked for, with its last values. */
async function questions(database: Database): Promise<Map<string, unknown[]>> {
  const asked = new Map<string, unknown[]>();
  for (const keys of [undefined, dataKeys('only')]) {
    const links = await openLinkStore(database, keys);
    const messages = await openMessageStore(database, keys);
    const rows = jest.spyOn(Queries.prototype, 'rows');
    const rowsUnder = jest.spyOn(Queries.prototype, 'rowsUnder');
    for (const { run } of [...linkStoreExam.map(({ run }) => ({ run: () => run(links) })), ...messageStoreExam]) {
      for (const table of ['links', 'suppressions']) await database.dataSource.query(`DELETE FROM ${table}`);
      await run(messages, links);
    }
    await useKeys(new SqlAppStore(database));
    for (const [sql, values] of rows.mock.calls) asked.set(sql, values);
    for (const [, , sql, values] of rowsUnder.mock.calls) asked.set(sql, values);
    jest.restoreAllMocks();
  }
  return asked;
}

async function useKeys(apps: SqlAppStore): Promise<void> {
  await apps.findKey('key');
  await apps.listKeys('default');
  await apps.noteKeyUse('key', 2, 1);
  await apps.revokeKey('key', 1);
}
