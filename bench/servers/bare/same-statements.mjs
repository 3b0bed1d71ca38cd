import pg from 'pg';
import sqlite3 from 'sqlite3';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { verdicts } from './verdicts.mjs';

const load = (file) => import(pathToFileURL(join(process.env.DIST, 'storage', file)).href);
const { linkStatements } = await load('link-statements.js');
const { LINK_COLUMNS } = await load('link-rows.js');
const dialects = await load('dialects.js');
const { recipientKey } = await import(pathToFileURL(join(process.env.DIST, 'links', 'recipient.js')).href);
const AT = Object.fromEntries(Object.keys(LINK_COLUMNS).map((name, index) => [name, index]));

/** @returns the two durable, batched writes: Oncelink's own statements on its own table, through the raw driver */
export async function openStore(url) {
  // The table; nothing else of this is in use afterwards.
  const { migrateDatabase } = await load('schema.js');
  await migrateDatabase(url);
  const { ask, dialect } = url.startsWith('sqlite:') ? await openSqlite(url) : openPostgres(url);
  const sql = linkStatements(dialect);

  return {
    insert: async (links) => {
      await ask(sql.insert.sql, sql.insert.text(links.map(rowOf)));
      return links;
    },
    redeem: async (ids) => {
      const rows = await ask(sql.redeem.sql, sql.redeem.text([...new Set(ids)].map(questionOf)));
      return verdicts(ids, rows.map(linkOf));
    },
  };
}

async function openSqlite(url) {
  const database = await new Promise((resolve, reject) => {
    const opened = new sqlite3.Database(url.slice('sqlite:'.length), (error) =>
      error ? reject(error) : resolve(opened),
    );
  });
  const statements = new Map();
  const ask = (sql, ...values) =>
    new Promise((resolve, reject) => {
      if (!statements.has(sql)) statements.set(sql, database.prepare(sql));
      statements.get(sql).all(values, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  await ask('PRAGMA journal_mode = WAL');
  await ask('PRAGMA synchronous = FULL');
  return { ask, dialect: dialects.sqlite };
}

function openPostgres(connectionString) {
  const pool = new pg.Pool({ connectionString, options: '-c synchronous_commit=on -c enable_seqscan=off' });
  const ask = async (text, ...values) => (await pool.query({ name: text.slice(0, 60), text, values })).rows;
  return { ask, dialect: dialects.postgres };
}

/**
 * One row of the statement; no limit is asked of it. With the key that Oncelink writes: a hash lands anywhere in the
 * index, names that count up always land at its end.
 */
function rowOf({ id, purpose, subject, recipient, createdAt, expiresAt }) {
  return {
    id,
    kind: 'link',
    app: 'default',
    purpose,
    subject,
    recipient,
    recipient_key: recipientKey(recipient),
    locale: 'en',
    via: 'return',
    decoy: 0,
    supersedes: 1,
    data: '{}',
    template_data: '{}',
    created_at: createdAt,
    expires_in: (expiresAt - createdAt) / 1000,
    issued_at: createdAt,
    expires_at: expiresAt,
    delivery_status: 'none',
    recipient_windows: [],
  };
}

function questionOf(id) {
  return {
    wanted: id,
    by_app: 'default',
    for_purpose: 'magic-link',
    challenge_required: 0,
    moment: Date.now(),
  };
}

function linkOf({ packed }) {
  const cells = typeof packed === 'string' ? JSON.parse(packed) : packed;
  return {
    id: cells[AT.id],
    purpose: cells[AT.purpose],
    subject: cells[AT.subject],
    recipient: cells[AT.recipient],
    createdAt: cells[AT.created_at],
    expiresAt: cells[AT.expires_at],
    redeemedAt: cells[AT.redeemed_at],
  };
}
