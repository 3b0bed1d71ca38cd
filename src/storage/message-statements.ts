import { LINK_COLUMNS } from './link-rows.js';
import { OPEN, SUPERSEDED, suppressed } from './link-statements.js';
import { REACH } from './list-pages.js';

const COLUMNS = [...Object.keys(LINK_COLUMNS), 'attempt_log'].map((name) => `l.${name} AS ${name}`).join(', ');
const selectFrom = (table: string): string => `SELECT ${COLUMNS}, ${SUPERSEDED} AS superseded FROM ${table} AS l`;
const MAILED = "l.via = 'email' AND l.decoy = 0";

/** Every statement about links as mail, and about suppressions; for the rules of their form see link-statements.ts. */
export const MESSAGE_STATEMENTS = {
  find: `${selectFrom('links')} WHERE l.app = $1 AND l.id = $2 AND ${MAILED}`,
  /** $1 app, $2 the end of the page before, $3 where this one stops looking */
  list: (conditions: string, from = 'links') =>
    `${selectFrom(from)} WHERE l.app = $1 AND l.id < $2 AND l.id >= $3 AND ${MAILED} ${conditions} ORDER BY l.id DESC LIMIT `,
  /** The mails on their way, for `from`. Their index does not know the order of ids, and is used while they are few. */
  queue: `(SELECT * FROM links WHERE due_at > 0 ORDER BY due_at LIMIT ${2 * REACH})`,
  isLongQueue: `SELECT due_at FROM links WHERE due_at > 0 ORDER BY due_at LIMIT 1 OFFSET ${REACH}`,

  /** $1 now, $2 deliver by, $3 app, $4 id */
  requeue: `
    WITH t AS (SELECT CAST($1 AS bigint) AS now)
    UPDATE links AS l SET delivery_status = 'queued', due_at = (SELECT now FROM t), deliver_by = $2, attempts = 0,
      lease = NULL, last_error = NULL
    WHERE l.app = $3 AND l.id = $4 AND ${MAILED} AND ${OPEN} AND NOT ${SUPERSEDED}
      AND l.delivery_status IN ('failed', 'abandoned', 'suppressed', 'cancelled') AND l.recipient IS NOT NULL
      AND (l.sent_at IS NULL OR l.expires_at > (SELECT now FROM t)) AND NOT ${suppressed('l', '(SELECT now FROM t)')}
    RETURNING id`,
  /** $1 app, $2 id */
  cancel: `
    WITH now AS (SELECT 1)
    UPDATE links AS l SET due_at = NULL, delivery_status = CASE WHEN l.sent_at IS NULL THEN 'cancelled' ELSE 'sent' END
    WHERE l.app = $1 AND l.id = $2 AND ${MAILED} AND l.delivery_status = 'queued'
    RETURNING id`,
  /** $1 error, $2 app, $3 id, $4 recipient key */
  markBounced: `
    WITH now AS (SELECT 1)
    UPDATE links AS l SET delivery_status = 'failed', last_error = $1
    WHERE l.app = $2 AND l.id = $3 AND l.recipient_key = $4 AND ${MAILED} AND l.delivery_status = 'sent'
    RETURNING id`,

  suppress: `
    INSERT INTO suppressions (app, recipient_key, purpose, recipient, reason, created_at, until)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (app, recipient_key, purpose) DO UPDATE SET recipient = excluded.recipient, reason = excluded.reason,
      created_at = excluded.created_at, until = excluded.until`,
  /** $1 app, $2 and $3 keys */
  lift: `
    WITH now AS (SELECT 1)
    DELETE FROM suppressions WHERE app = $1 AND recipient_key IN ($2, $3) RETURNING recipient_key`,
  /** $1 app, $2 and $3 the end of the page before */
  listSuppressions: (conditions: string) => `
    SELECT app, recipient_key, purpose, recipient, reason, created_at, until FROM suppressions
    WHERE app = $1 AND (recipient_key, purpose) > ($2, $3) ${conditions} ORDER BY recipient_key, purpose LIMIT `,
  /** $1 app, the others mailboxes. The addresses of their links */
  addresses: (mailboxes: string) =>
    `SELECT DISTINCT recipient_key, address_key FROM links WHERE app = $1 AND recipient_key IN (${mailboxes})`,
  /** $1 and $2 the keys from now on, $3 app, $4 and $5 the keys so far */
  rekey: `
    UPDATE links SET recipient_key = $1, address_key = $2
    WHERE app = $3 AND recipient_key = $4 AND address_key IS NOT DISTINCT FROM $5`,
  forgetSuppressions: 'DELETE FROM suppressions WHERE until <= $1',
};
