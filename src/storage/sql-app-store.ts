import type { App, AppStore, Scope, StoredApiKey } from '../apps/app.js';
import type { Database } from './engines.js';
import { GroupCommit, type Write } from './group-commit.js';
import { Queries } from './queries.js';

interface AppRow {
  id: string;
  name: string;
  redirect_uris: string;
  colour: string | null;
  logo: string | null;
  sender_name: string | null;
  sender_address: string | null;
  reply_to: string | null;
}

interface KeyRow {
  id: string;
  app: string;
  secret_hash: string;
  scopes: string;
  purposes: string | null;
  label: string;
  created_at: string | number;
  expires_at: string | number | null;
  revoked_at: string | number | null;
  last_used_at: string | number | null;
}

// Columns by name: a prepared statement must not change what it returns when a migration adds one.
const SELECT_APP = 'SELECT id, name, redirect_uris, colour, logo, sender_name, sender_address, reply_to FROM apps';
const SELECT_KEY = `SELECT id, app, secret_hash, scopes, purposes, label, created_at, expires_at, revoked_at, last_used_at
  FROM api_keys`;

/** Apps and API keys on TypeORM. */
export class SqlAppStore implements AppStore {
  private readonly queries: Queries;
  private readonly findKeyInBatch: Write<string, StoredApiKey | undefined>;

  constructor(database: Database) {
    this.queries = new Queries(database);
    const { rows, byKey } = database.dialect;
    const asked = `SELECT asked.id FROM ${rows('$1', { id: 'text' }, 'asked')}`;
    const select = `${SELECT_KEY} WHERE id IN (${asked}) ${byKey('id', asked)}`;
    // Nothing is written, but the same holds: whoever tries a thousand keys at once gets a few statements, and leaves
    // the database to others.
    this.findKeyInBatch = new GroupCommit().lane({ keys: () => [], run: (ids) => this.findKeys(select, ids) });
  }

  async find(id: string): Promise<App | undefined> {
    const [row] = await this.queries.rows<AppRow>(`${SELECT_APP} WHERE id = $1`, [id]);
    return row && toApp(row);
  }

  async list(): Promise<App[]> {
    return (await this.queries.rows<AppRow>(`${SELECT_APP} ORDER BY id`, [])).map(toApp);
  }

  async save({ id, name, redirectUris, from, ...look }: App): Promise<void> {
    const { colour = null, logo = null, replyTo = null } = look as { [member in keyof typeof look]: string | null };
    await this.queries.rows(
      `INSERT INTO apps (id, name, redirect_uris, colour, logo, sender_name, sender_address, reply_to)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, redirect_uris = excluded.redirect_uris,
         colour = excluded.colour, logo = excluded.logo, sender_name = excluded.sender_name,
         sender_address = excluded.sender_address, reply_to = excluded.reply_to`,
      [id, name, JSON.stringify(redirectUris), colour, logo, from?.name ?? null, from?.address ?? null, replyTo],
    );
  }

  findKey(id: string): Promise<StoredApiKey | undefined> {
    return this.findKeyInBatch(id);
  }

  async listKeys(app: string): Promise<StoredApiKey[]> {
    return (await this.queries.rows<KeyRow>(`${SELECT_KEY} WHERE app = $1 ORDER BY created_at, id`, [app])).map(toKey);
  }

  async saveKey(key: StoredApiKey): Promise<void> {
    await this.queries.rows(
      `INSERT INTO api_keys (id, app, secret_hash, scopes, purposes, label, created_at, expires_at, revoked_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (id) DO UPDATE SET app = excluded.app, secret_hash = excluded.secret_hash, scopes = excluded.scopes,
         purposes = excluded.purposes, label = excluded.label, expires_at = excluded.expires_at`,
      [
        key.id,
        key.app,
        key.secretHash,
        key.scopes.join(' '),
        key.purposes?.join(' ') ?? null,
        key.label,
        key.createdAt,
        key.expiresAt,
        key.revokedAt,
      ],
    );
  }

  async revokeKey(id: string, now: number): Promise<boolean> {
    // Begins with WITH so that `sqlite3` returns the rows; see link-statements.ts.
    const revoke = `WITH t AS (SELECT CAST($1 AS bigint) AS now)
      UPDATE api_keys SET revoked_at = (SELECT now FROM t) WHERE id = $2 AND revoked_at IS NULL RETURNING id`;
    return (await this.queries.rows(revoke, [now, id])).length > 0;
  }

  async noteKeyUse(id: string, now: number, since: number): Promise<void> {
    await this.queries.rows(
      'UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at <= $3)',
      [now, id, since],
    );
  }

  private async findKeys(select: string, ids: readonly string[]): Promise<(StoredApiKey | undefined)[]> {
    const rows = await this.queries.rows<KeyRow>(select, [JSON.stringify(ids.map((id) => ({ id })))]);
    const found = new Map(rows.map((row) => [row.id, toKey(row)]));
    return ids.map((id) => found.get(id));
  }
}

function toApp(row: AppRow): App {
  return {
    id: row.id,
    name: row.name,
    redirectUris: JSON.parse(row.redirect_uris) as string[],
    ...(row.colour !== null && { colour: row.colour }),
    ...(row.logo !== null && { logo: row.logo }),
    ...(row.sender_address !== null && { from: { name: row.sender_name ?? '', address: row.sender_address } }),
    ...(row.reply_to !== null && { replyTo: row.reply_to }),
  };
}

function toKey(row: KeyRow): StoredApiKey {
  return {
    id: row.id,
    app: row.app,
    secretHash: row.secret_hash,
    scopes: row.scopes.split(' ') as Scope[],
    purposes: row.purposes === null ? null : row.purposes.split(' '),
    label: row.label,
    createdAt: Number(row.created_at),
    expiresAt: time(row.expires_at),
    revokedAt: time(row.revoked_at),
    lastUsedAt: time(row.last_used_at),
  };
}

function time(column: string | number | null): number | null {
  return column === null ? null : Number(column);
}
