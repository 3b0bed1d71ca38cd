import pg from 'pg';
import sqlite3 from 'sqlite3';

const DAY = 86_400_000;
/** Rows of the last 29 days but one: younger than the retention, older than anything that is alive. */
const FROM = 29 * DAY;
const UNTIL = DAY;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TICKS_PER_MS = 64;

const COLUMNS = [
  'id, kind, app, purpose, subject, recipient, recipient_key, locale, via, decoy, supersedes, data, template_data',
  'created_at, expires_in, issued_at, expires_at, redeemed_at, opened_at, delivery_status, attempts, sent_at, resends',
].join(', ');

/** Links that were mailed, and of which seven in ten were redeemed, in the shape in which the service leaves them. */
function insertOf({ series, random22, prefix, text }) {
  return `
    INSERT INTO links (${COLUMNS})
    SELECT ${prefix('t')} || ${random22}, 'link', 'default', 'magic-link', ${text("'user_'", 'n % 250000')}, ${text("'person-'", 'n % 250000', "'@example.com'")},
      ${random22}, 'en', 'email', 0, 1, '{}', '{}',
      t, 600, t, t + 600000, CASE WHEN n % 10 < 7 THEN t + 60000 END, CASE WHEN n % 10 < 8 THEN t + 50000 END, 'sent', 1, t + 40, 0
    FROM (${series}) AS series`;
}

/** Puts `count` rows into a migrated database of Oncelink, directly. */
export async function fill(databaseUrl, count) {
  const begin = Date.now() - FROM;
  const step = (FROM - UNTIL) / count;
  if (databaseUrl.startsWith('sqlite:')) await fillSqlite(databaseUrl.slice('sqlite:'.length), count, begin, step);
  else await fillPostgres(databaseUrl, count, begin, step);
}

/** The time-ordered beginning of an id, as arithmetic on the column of its time. */
function prefixOf(time, pick) {
  const digits = Array.from({ length: 8 }, (_, place) =>
    pick(`${time} * ${TICKS_PER_MS} / ${DIGITS.length ** (7 - place)} % 62 + 1`),
  );
  return digits.join(' || ');
}

async function fillSqlite(file, count, begin, step) {
  const database = await new Promise((resolve, reject) => {
    const opened = new sqlite3.Database(file, (error) => (error ? reject(error) : resolve(opened)));
  });
  const all = (sql) =>
    new Promise((resolve, reject) => database.all(sql, (error, rows) => (error ? reject(error) : resolve(rows))));
  const indices = await all(
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'links' AND sql IS NOT NULL",
  );
  // Much faster than keeping them up to date row by row.
  for (const { name } of indices) await all(`DROP INDEX ${quoted(name)}`);
  await all('PRAGMA cache_size = -500000');
  await all(
    insertOf({
      series: `WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < ${count})
        SELECT n, CAST(${begin} + n * ${step} AS integer) AS t FROM s`,
      random22: 'lower(hex(randomblob(11)))',
      prefix: (t) => prefixOf(t, (digit) => `substr('${DIGITS}', ${digit}, 1)`),
      text: (...parts) => parts.map((part) => `(${part})`).join(' || '),
    }),
  );
  for (const { sql } of indices) await all(sql);
  await all('PRAGMA wal_checkpoint(TRUNCATE)');
  await new Promise((closed) => database.close(closed));
}

async function fillPostgres(connectionString, count, begin, step) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows: indices } = await client.query(
      `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'links'
       AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE contype = 'p')`,
    );
    for (const { indexname } of indices) await client.query(`DROP INDEX ${quoted(indexname)}`);
    await client.query(
      insertOf({
        series: `SELECT n, CAST(${begin} + n * ${step}::float8 AS bigint) AS t FROM generate_series(0, ${count - 1}) AS n`,
        random22: 'substr(md5(random()::text), 1, 22)',
        prefix: (t) => prefixOf(t, (digit) => `substr('${DIGITS}', (${digit})::integer, 1)`),
        text: (...parts) => `concat(${parts.join(', ')})`,
      }),
    );
    for (const { indexdef } of indices) await client.query(indexdef);
    await client.query('VACUUM ANALYZE links');
  } finally {
    await client.end();
  }
}

function quoted(name) {
  return `"${name.replaceAll('"', '""')}"`;
}
