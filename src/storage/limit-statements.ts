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

const WINDOW = { nth: 'integer', since: 'text', since_time: 'bigint', permits: 'integer', ahead: 'text' } as const;

/** The columns of a guard, for the limits by `kinds`. */
export function guardColumns(kinds: readonly CountedBy[]): Record<string, ColumnType> {
  const windows = kinds.map((by) => [`${by}_windows`, 'json'] as const);
  return { quiet_since: 'text', quiet_time: 'bigint', ...Object.fromEntries(windows) };
}

/**
 * Sends count against each other if they are less apart than the window is long, whichever was first. An id is never
 * earlier than its row, and may be much later: after a clock was ahead for a moment, ids go on from there. So a range of
 * ids has all that counts, and only the times say what does. A clock that is a little behind another's counts what that
 * one wrote, and what a clock wrote that was wrong by more than the window counts for nobody.
 */
const near = (at: string, since: string, now: string): string => `${at} BETWEEN ${since} AND 2 * ${now} - ${since}`;

/**
 * What the statements about links ask of limits. `of` is the row with the link's keys, `guard` that with its guard, and
 * `now` the time at which it is asked.
 */
export function limitClauses({ rows }: Dialect) {
  const recent = (of: string, now: string): string =>
    `FROM links p WHERE ${COUNTED.recipient(of)} AND p.id >= w.since AND ${near('p.created_at', 'w.since_time', now)}`;
  /** A resend counts when it was asked for, however old its link. */
  const resent = (of: string, now: string): string =>
    `FROM links p WHERE ${COUNTED.recipient(of)} AND ${near('p.resent_at', 'w.since_time', now)}`;

  /**
   * To everyone but the recipient, whose limits bound it anyway, a resend counts with its link, and no more is read than
   * counts: a limit that is new must not read the whole past. Ids that are ahead are read apart, so that what one
   * instance wrote after its clock was wrong does not hide what the others write.
   */
  const newest = (by: CountedBy, of: string, ids: string, name: string): string =>
    `SELECT * FROM (SELECT p.id, p.created_at AS at, 1 + p.resends AS n FROM links p
      WHERE ${COUNTED[by](of)} AND ${ids} ORDER BY p.id DESC LIMIT ${MAX_QUOTA_COUNT}) AS ${name}`;
  const sends = (by: CountedBy, of: string, now: string): string =>
    by === 'recipient'
      ? `SELECT p.id, p.created_at AS at, 1 AS n ${recent(of, now)}
        UNION ALL SELECT p.id, p.resent_at, p.resends ${resent(of, now)}`
      : `SELECT m.id, m.at, m.n FROM (
          ${newest(by, of, 'p.id >= w.since AND p.id < w.ahead', 'a')}
          UNION ALL ${newest(by, of, 'p.id >= w.ahead', 'b')}) AS m
        WHERE ${near('m.at', 'w.since_time', now)}`;

  /** The same as a number. Every mint asks this of its recipient, and so without a table in between. */
  const count = (by: CountedBy, of: string, now: string): string =>
    by === 'recipient'
      ? `(SELECT COUNT(*) ${recent(of, now)}) + (SELECT COALESCE(SUM(p.resends), 0) ${resent(of, now)})`
      : `(SELECT COALESCE(SUM(s.n), 0) FROM (${sends(by, of, now)}) AS s)`;

  const mails = (of: string): string => `${COUNTED.recipient(of)} AND p.purpose = ${of}.purpose AND p.via = 'email'`;

  return {
    permits: (kinds: readonly CountedBy[], of: string, guard: string, now: string): string => `
      (${guard}.quiet_since IS NULL OR NOT (
        EXISTS (SELECT 1 FROM links p WHERE ${mails(of)} AND p.id >= ${guard}.quiet_since
          AND ${near('p.created_at', `${guard}.quiet_time`, now)})
        OR EXISTS (SELECT 1 FROM links p WHERE ${mails(of)} AND ${near('p.resent_at', `${guard}.quiet_time`, now)})))
      ${kinds
        .map((by) => {
          const full = `EXISTS (
        SELECT 1 FROM ${rows(`${guard}.${by}_windows`, WINDOW, 'w')} WHERE ${count(by, of, now)} >= w.permits)`;
          // Most mints are somebody's first, and then there is nothing to count. No EXISTS, which PostgreSQL might hash.
          const first = `(SELECT 1 FROM links p WHERE p.recipient_key = ${of}.recipient_key AND p.app = ${of}.app LIMIT 1) IS NULL`;
          return by === 'recipient' ? `AND (${first} OR NOT ${full})` : `AND NOT ${full}`;
        })
        .join('\n')}`,

    /**
     * $1 app, $2 kind, $3 purpose, $4 recipient key, $5 now, $6 time and $7 id since when. CROSS JOIN: SQLite would walk
     * through all that was ever resent, from the newest, and look for the recipient.
     */
    lastMail: `
      WITH k AS (SELECT CAST($1 AS text) AS app, CAST($2 AS text) AS kind, CAST($3 AS text) AS purpose,
        CAST($4 AS text) AS recipient_key, CAST($5 AS bigint) AS now, CAST($6 AS bigint) AS since)
      SELECT MAX(m.at) AS at FROM (
        SELECT MAX(p.created_at) AS at FROM k CROSS JOIN links p
          WHERE ${mails('k')} AND p.id >= $7 AND ${near('p.created_at', 'k.since', 'k.now')}
        UNION ALL SELECT MAX(p.resent_at) FROM k CROSS JOIN links p
          WHERE ${mails('k')} AND ${near('p.resent_at', 'k.since', 'k.now')}) AS m`,

    /** $1 app, $2 kind, $3 the key that counts, $4 now, $5 windows. @returns for each window the time of the send that fills it */
    fillings: Object.fromEntries(
      COUNTED_BY.map((by) => [
        by,
        `WITH k AS (SELECT CAST($1 AS text) AS app, CAST($2 AS text) AS kind,
          CAST($3 AS text) AS ${by}${by === 'subject' ? '' : '_key'}, CAST($4 AS bigint) AS now)
        SELECT w.nth AS nth, (SELECT s.at FROM (
            SELECT q.at AS at, SUM(q.n) OVER (ORDER BY q.at DESC, q.id DESC) AS sum FROM (${sends(by, 'k', 'k.now')}) AS q) AS s
          WHERE s.sum >= w.permits ORDER BY s.at DESC LIMIT 1) AS at
        FROM k, ${rows('$5', WINDOW, 'w')}`,
      ]),
    ) as Record<CountedBy, string>,
  };
}
