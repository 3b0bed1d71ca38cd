import pg from 'pg';
import { verdicts } from './verdicts.mjs';

/** @returns the two durable, batched writes on `pg` */
export async function openPostgres(connectionString) {
  const pool = new pg.Pool({ connectionString, options: '-c synchronous_commit=on' });
  await pool.query(`CREATE TABLE IF NOT EXISTS links (id text COLLATE "C" PRIMARY KEY, purpose text NOT NULL, subject text NOT NULL,
    recipient text NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL, redeemed_at bigint)`);
  const column = (links, name) => links.map((link) => link[name]);
  const names = ['id', 'purpose', 'subject', 'recipient', 'createdAt', 'expiresAt'];

  return {
    insert: async (links) => {
      await pool.query({
        name: 'insert',
        text: 'INSERT INTO links SELECT *, NULL::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])',
        values: names.map((name) => column(links, name)),
      });
      return links;
    },
    redeem: async (ids) => {
      const { rows } = await pool.query({
        name: 'redeem',
        text: 'UPDATE links SET redeemed_at = $1 WHERE id = ANY($2::text[]) AND redeemed_at IS NULL AND expires_at > $1 RETURNING *',
        values: [Date.now(), ids],
      });
      return verdicts(ids, rows);
    },
  };
}
