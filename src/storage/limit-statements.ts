import type { CountedBy } from '../links/link-store.js';
import { MAX_QUOTA_COUNT } from '../links/purpose-schema.js';
import type { ColumnType, Dialect } from './dialects.js';

export const COUNTED_BY: readonly CountedBy[] = ['recipient', 'subject', 'client', 'app', 'service'];

/**
 * The rows `p` that count beside the one in `of`; each is a range of an index. Links and notifications are counted apart,
 * so that nobody can silence a warning by asking for links.
 */
const COUNTED: Record<CountedBy, (of: string) => string> = {
  recipient: (of) => `p.recipient_key = ${of}.recipient_key AND p.app = ${of}.app AND p.kind = ${of}.kind`,
  subject: (of) => `p.subject = ${of}.subject AND p.app = ${of}.app AND p.kind = ${of}.kind`,
  client: (of) => `p.client_key = ${of}.client_key AND p.app = ${of}.app AND p.kind = ${of}.kind`,
  app: (of) => `p.counted = 1 AND p.app = ${of}.app`,
  service: () => '1 = 1',
};

const WINDOW = { nth: 'integer', since: 'text', since_time: 'bigint', permits: 'integer' } as const;

/** The columns of a guard, for the limits by `kinds`. */
export function guardColumns(kinds: readonly CountedBy[]): Record<string, ColumnType> {
  const windows = kinds.map((by) => [`${by}_windows`, 'json'] as const);
  return { quiet_since: 'text', quiet_time: 'bigint', ...Object.fromEntries(windows) };
}

/** What the statements about links ask of limits. `of` is the row with the link's keys, `guard` that with its guard. */
export function limitClauses({ rows }: Dialect) {
  /**
   * A resend counts when it was asked for, however old its link; to everyone but the recipient, whose limits bound it
   * anyway, it counts with its link. A limit that is new must not read the whole past.
   */
  const sends = (by: CountedBy, of: string): string =>
    by === 'recipient'
      ? `SELECT p.id, p.created_at AS at, 1 AS n FROM links p WHERE ${COUNTED[by](of)} AND p.id >= w.since
        UNION ALL SELECT p.id, p.resent_at, p.resends FROM links p WHERE ${COUNTED[by](of)} AND p.resent_at >= w.since_time`
      : `SELECT p.id, p.created_at AS at, 1 + p.resends AS n FROM links p WHERE ${COUNTED[by](of)} AND p.id >= w.since
        ORDER BY p.id DESC LIMIT ${MAX_QUOTA_COUNT}`;

  /** The same as a number. Every mint asks this of its recipient, and so without a table in between. */
  const count = (by: CountedBy, of: string): string =>
    by === 'recipient'
      ? `(SELECT COUNT(*) FROM links p WHERE ${COUNTED[by](of)} AND p.id >= w.since)
        + (SELECT COALESCE(SUM(p.resends), 0) FROM links p WHERE ${COUNTED[by](of)} AND p.resent_at >= w.since_time)`
      : `(SELECT COALESCE(SUM(s.n), 0) FROM (${sends(by, of)}) AS s)`;

  const mails = (of: string): string => `${COUNTED.recipient(of)} AND p.purpose = ${of}.purpose AND p.via = 'email'`;

  return {
    permits: (kinds: readonly CountedBy[], of: string, guard: string): string => `
      (${guard}.quiet_since IS NULL OR NOT (
        EXISTS (SELECT 1 FROM links p WHERE ${mails(of)} AND p.id >= ${guard}.quiet_since)
        OR EXISTS (SELECT 1 FROM links p WHERE ${mails(of)} AND p.resent_at >= ${guard}.quiet_time)))
      ${kinds
        .map((by) => {
          const full = `EXISTS (
        SELECT 1 FROM ${rows(`${guard}.${by}_windows`, WINDOW, 'w')} WHERE ${count(by, of)} >= w.permits)`;
          // Most mints are somebody's first, and then there is nothing to count. No EXISTS, which PostgreSQL might hash.
          const first = `(SELECT 1 FROM links p WHERE p.recipient_key = ${of}.recipient_key AND p.app = ${of}.app LIMIT 1) IS NULL`;
          return by === 'recipient' ? `AND (${first} OR NOT ${full})` : `AND NOT ${full}`;
        })
        .join('\n')}`,

    /**
     * $1 app, $2 kind, $3 purpose, $4 recipient key, $5 id and $6 time since when. CROSS JOIN: SQLite would walk through
     * all that was ever resent, from the newest, and look for the recipient.
     */
    lastMail: `
      WITH k AS (SELECT CAST($1 AS text) AS app, CAST($2 AS text) AS kind, CAST($3 AS text) AS purpose,
        CAST($4 AS text) AS recipient_key)
      SELECT MAX(m.at) AS at FROM (
        SELECT MAX(p.created_at) AS at FROM k CROSS JOIN links p WHERE ${mails('k')} AND p.id >= $5
        UNION ALL SELECT MAX(p.resent_at) FROM k CROSS JOIN links p WHERE ${mails('k')} AND p.resent_at >= $6) AS m`,

    /** $1 app, $2 kind, $3 the key that counts, $4 windows. @returns for each window the time of the send that fills it */
    fillings: Object.fromEntries(
      COUNTED_BY.map((by) => [
        by,
        `WITH k AS (SELECT CAST($1 AS text) AS app, CAST($2 AS text) AS kind,
          CAST($3 AS text) AS ${by}${by === 'subject' ? '' : '_key'})
        SELECT w.nth AS nth, (SELECT s.at FROM (
            SELECT q.at AS at, SUM(q.n) OVER (ORDER BY q.at DESC, q.id DESC) AS sum FROM (${sends(by, 'k')}) AS q) AS s
          WHERE s.sum >= w.permits ORDER BY s.at DESC LIMIT 1) AS at
        FROM k, ${rows('$4', WINDOW, 'w')}`,
      ]),
    ) as Record<CountedBy, string>,
  };
}
