import sqlite3 from 'sqlite3';
import { verdicts } from './verdicts.mjs';

/** @returns the two durable, batched writes on `sqlite3` */
export async function openSqlite(file) {
  const database = await new Promise((resolve, reject) => {
    const opened = new sqlite3.Database(file, (error) => (error ? reject(error) : resolve(opened)));
  });
  const all = (statement, values) =>
    new Promise((resolve, reject) => statement.all(values, (error, rows) => (error ? reject(error) : resolve(rows))));
  for (const sql of [
    'PRAGMA journal_mode = WAL',
    'PRAGMA synchronous = FULL',
    `CREATE TABLE IF NOT EXISTS links (id text PRIMARY KEY, purpose text NOT NULL, subject text NOT NULL, recipient text NOT NULL,
      created_at bigint NOT NULL, expires_at bigint NOT NULL, redeemed_at bigint)`,
  ])
    await all(database, sql);

  /** One prepared statement per size of batch. */
  const prepared = (makeSql) => {
    const statements = new Map();
    return (size) => {
      if (!statements.has(size)) statements.set(size, database.prepare(makeSql(size)));
      return statements.get(size);
    };
  };
  const list = (count, text) => Array.from({ length: count }, () => text).join(', ');
  const insert = prepared((size) => `INSERT INTO links VALUES ${list(size, '(?, ?, ?, ?, ?, ?, NULL)')}`);
  const redeem = prepared(
    (size) => `UPDATE links SET redeemed_at = ? WHERE id IN (${list(size, '?')})
      AND redeemed_at IS NULL AND expires_at > ? RETURNING *`,
  );

  return {
    insert: async (links) => {
      const values = links.flatMap((one) => [
        one.id,
        one.purpose,
        one.subject,
        one.recipient,
        one.createdAt,
        one.expiresAt,
      ]);
      await all(insert(links.length), values);
      return links;
    },
    redeem: async (ids) => {
      const now = Date.now();
      const once = [...new Set(ids)];
      const rows = await all(redeem(once.length), [now, ...once, now]);
      return verdicts(ids, rows);
    },
  };
}
