import type { CountedBy } from '../links/link-store.js';
import { DataKeys } from './data-keys.js';
import type { ColumnType, Dialect } from './dialects.js';
import { COUNTED_BY, guardColumns, limitClauses } from './limit-statements.js';
import { LINK_COLUMNS, NEW_LINK_COLUMNS, VIEW_COLUMNS } from './link-rows.js';
import { isOpenable } from './sealed-rows.js';

const NAMES = Object.keys(LINK_COLUMNS).join(', ');
const VIEW_NAMES = Object.keys(VIEW_COLUMNS).join(', ');
const NEW_NAMES = Object.keys(NEW_LINK_COLUMNS).join(', ');

/**
 * A link is superseded by the existence of a newer one: minting is one INSERT, no second write can get lost, and of
 * two concurrent mints exactly one is the newest. A decoy puts no link out of use, but older decoys, as a link would.
 */
const newerThan = (row: string): string =>
  `FROM links n WHERE n.app = ${row}.app AND n.subject = ${row}.subject AND n.id > ${row}.id
  AND n.purpose = ${row}.purpose AND n.supersedes = 1 AND n.decoy <= ${row}.decoy`;
export const SUPERSEDED = `EXISTS (SELECT 1 ${newerThan('l')})`;

/** No mail of it is on its way. */
const IDLE = 'l.due_at IS NULL';
/** Whose address asked for a resend is not known. */
export const RESENT_BY = COUNTED_BY.filter((by) => by !== 'client');

export const OPEN = 'l.redeemed_at IS NULL AND l.revoked_at IS NULL';

/**
 * Whether the recipient of a row gets no mail at that moment. A refusal holds for the address it was given for, and an
 * address without a tag stands for all that have one.
 */
export const suppressed = (row: string, now: string): string => `EXISTS (
    SELECT 1 FROM suppressions s WHERE s.app = ${row}.app AND s.recipient_key IN (${row}.recipient_key, ${row}.address_key)
      AND s.purpose IN ('*', ${row}.purpose) AND (s.until IS NULL OR s.until > ${now}))`;

/** What minting writes: the row as it is given, but a recipient who gets no mail has none queued. */
const NEW_VALUES = Object.keys(NEW_LINK_COLUMNS)
  .map((name) => {
    const hushed = `r.via = 'email' AND ${suppressed('r', 'r.created_at')}`;
    if (name === 'delivery_status') return `CASE WHEN ${hushed} THEN 'suppressed' ELSE r.delivery_status END`;
    return name === 'due_at' ? `CASE WHEN ${hushed} THEN NULL ELSE r.due_at END` : `r.${name}`;
  })
  .join(', ');

/** A statement over a batch of rows; `text` makes its only value. */
export interface BatchStatement {
  readonly sql: string;
  readonly text: (rows: readonly object[]) => string;
}

/**
 * Every statement about links, as constant text for one engine. `$n` first appear in ascending order, because SQLite
 * numbers them by appearance. They begin with WITH where rows come back from a write: TypeORM's `sqlite3` driver
 * returns no rows for text that begins with INSERT, UPDATE or DELETE.
 */
export function linkStatements(dialect: Dialect, keys = DataKeys.none) {
  const { rows, packed, byKey, ifWritable, lockRows, skipLocked } = dialect;
  const batch = (columns: Readonly<Record<string, ColumnType>>, sql: (given: string) => string): BatchStatement => {
    const names = Object.keys(columns);
    return { sql: sql(dialect.batch('$1', columns, 'x')), text: (given) => dialect.batchText(given, names) };
  };
  const limits = limitClauses(dialect);
  const all = Object.keys(LINK_COLUMNS)
    .map((name) => `l.${name} AS ${name}`)
    .join(', ');
  const select = `SELECT ${all}, ${SUPERSEDED} AS superseded FROM links AS l`;
  /** @param more columns beside the link's own */
  const insert = (kinds: readonly CountedBy[], more: Readonly<Record<string, ColumnType>>): BatchStatement => {
    const others = Object.keys(more)
      .map((name) => `, ${name}`)
      .join('');
    return batch(
      { ...NEW_LINK_COLUMNS, ...more, ...guardColumns(kinds) },
      (given) => `
      WITH r AS (SELECT * FROM ${given})
      INSERT INTO links (${NEW_NAMES}${others})
      SELECT ${NEW_VALUES}${others} FROM r
      WHERE ${limits.permits(kinds, 'r', 'r', 'r.created_at')}
        AND (SELECT 1 ${newerThan('r')} LIMIT 1) IS NULL
      ON CONFLICT DO NOTHING
      RETURNING id, delivery_status`,
    );
  };
  /** $1 now, $2 app */
  const openLinks = (conditions: string): string => `WITH t AS (SELECT CAST($1 AS bigint) AS now),
      w AS MATERIALIZED (
        SELECT l.id AS held, t.now AS now FROM t, links AS l WHERE l.app = $2 AND ${OPEN} AND l.kind = 'link' ${conditions}
        ORDER BY l.id ${lockRows})`;

  return {
    /** Rows with their guards. Limits that nobody configured are not in the first. */
    insert: insert(['recipient'], {}),
    insertCounted: insert(COUNTED_BY, { client_key: 'text', counted: 'integer' }),

    /**
     * Questions, no link twice. The guard is on the row that is written, so a racer that waited for it
     * sees it used. The questions' columns have names of their own: RETURNING must name the link's plainly. It names a
     * view's only: of what a redemption costs SQLite, packing all columns would be a fifteenth.
     */
    redeem: batch(
      {
        wanted: 'text',
        by_app: 'text',
        for_purpose: 'text',
        given_fingerprint: 'text',
        given_challenge: 'text',
        challenge_required: 'integer',
        new_redeem_key: 'text',
        moment: 'bigint',
      },
      (questions) => `
      WITH q AS (SELECT * FROM ${questions})
      UPDATE links AS l SET redeemed_at = q.moment, redeem_key = q.new_redeem_key
      FROM q
      WHERE l.id = q.wanted ${byKey('l.id', 'SELECT wanted FROM q')} AND l.app = q.by_app AND l.purpose = q.for_purpose
        AND ${OPEN} AND l.kind = 'link' AND l.decoy = 0 AND l.expires_at > q.moment
        AND (l.fingerprint IS NULL OR l.fingerprint = q.given_fingerprint)
        AND (l.code_challenge IS NULL OR l.code_challenge = q.given_challenge
          OR (q.given_challenge IS NULL AND q.challenge_required = 0))
        AND ${isOpenable(keys, 'l')} AND NOT ${SUPERSEDED}
      RETURNING ${packed(VIEW_NAMES)} AS packed`,
    ),

    /** $1 how much to count, $2 app, $3 id, $4 purpose, $5 how many are too many */
    tryCode: `
      WITH now AS (SELECT 1)
      UPDATE links SET code_attempts = code_attempts + $1
      WHERE app = $2 AND id = $3 AND purpose = $4 AND code_attempts < $5
      RETURNING id`,

    find: `${select} WHERE l.app = $1 AND l.id = $2`,
    findByIdempotencyKey: `${select} WHERE l.app = $1 AND l.idempotency_key = $2`,
    releaseIdempotencyKey:
      'UPDATE links SET idempotency_key = NULL WHERE app = $1 AND idempotency_key = $2 AND created_at <= $3',
    /** $1 app, $2 subject, $3 purpose, $4 id, $5 decoy */
    newest: `
      WITH k AS (SELECT CAST($1 AS text) AS app, CAST($2 AS text) AS subject, CAST($3 AS text) AS purpose, CAST($4 AS text) AS id,
        CAST($5 AS integer) AS decoy)
      SELECT (SELECT MAX(n.id) ${newerThan('k')}) AS id FROM k`,
    lastMail: limits.lastMail,
    fillings: limits.fillings,

    /** The conditions of a list; `$1` is the app, `$2` the end of the page before, `$3` where this one stops looking. */
    list: (conditions: string) =>
      `${select} WHERE l.app = $1 AND l.id < $2 AND l.id >= $3 AND l.kind = 'link' ${conditions} ORDER BY l.id DESC LIMIT `,
    /** $1 now, $2 app. A mail that is queued will not leave; one that is under way keeps its lease and is settled. */
    revoke: (conditions: string) => `
      ${openLinks(conditions)}
      UPDATE links AS l SET revoked_at = w.now,
        due_at = CASE WHEN delivery_status = 'sending' THEN due_at END,
        delivery_status = CASE WHEN delivery_status <> 'queued' THEN delivery_status WHEN sent_at IS NULL THEN 'abandoned' ELSE 'sent' END
      FROM w WHERE l.id = w.held ${byKey('l.id', 'SELECT held FROM w')}
      RETURNING id`,
    /** $1 now, $2 app. As `revoke`, but for what has ended, too: it stays what it is, and nobody is sent a new one. */
    close: (conditions: string) => `
      ${openLinks(`AND l.closed_at IS NULL ${conditions}`)}
      UPDATE links AS l SET closed_at = w.now
      FROM w WHERE l.id = w.held ${byKey('l.id', 'SELECT held FROM w')}
      RETURNING id`,
    /** What each status means to the database; `now` is the placeholder of the time. */
    status: {
      active: (now: string) => `AND ${OPEN} AND (l.expires_at > ${now} OR l.due_at IS NOT NULL) AND NOT ${SUPERSEDED}`,
      redeemed: () => 'AND l.redeemed_at IS NOT NULL',
      revoked: () => 'AND l.redeemed_at IS NULL AND l.revoked_at IS NOT NULL',
      superseded: () => `AND ${OPEN} AND ${SUPERSEDED}`,
      expired: (now: string) => `AND ${OPEN} AND l.expires_at <= ${now} AND l.due_at IS NULL AND NOT ${SUPERSEDED}`,
    },
    markOpened: 'UPDATE links SET opened_at = $1 WHERE id = $2 AND opened_at IS NULL',
    markReported: 'UPDATE links SET reported_at = $1 WHERE id = $2 AND reported_at IS NULL',

    /** $1: JSON array of one resend with its guard. A mail that is on its way stays as it is; a decoy becomes due, and no more. */
    requeue: `
      WITH q AS (SELECT * FROM ${rows(
        '$1',
        { by_app: 'text', wanted: 'text', moment: 'bigint', until: 'bigint', ...guardColumns(RESENT_BY) },
        'x',
      )})
      UPDATE links AS l SET resends = resends + 1, resent_at = q.moment,
        delivery_status = CASE WHEN ${IDLE} AND l.decoy = 0 THEN 'queued' ELSE delivery_status END,
        due_at = CASE WHEN ${IDLE} THEN q.moment ELSE due_at END,
        deliver_by = CASE WHEN ${IDLE} THEN q.until ELSE deliver_by END,
        attempts = CASE WHEN ${IDLE} THEN 0 ELSE attempts END,
        last_error = CASE WHEN ${IDLE} THEN NULL ELSE last_error END
      FROM q
      WHERE l.id = q.wanted ${byKey('l.id', 'SELECT wanted FROM q')} AND l.app = q.by_app AND l.via = 'email'
        AND ${OPEN} AND NOT ${SUPERSEDED} AND (l.expires_at > q.moment OR l.due_at IS NOT NULL)
        AND ${limits.permits(RESENT_BY, 'l', 'q', 'q.moment')}
      RETURNING id`,

    /**
     * $1 lease, $2 now, $3 until, $4 limit. Whether a mail is still wanted is asked of the first that are due and of no
     * others: in the condition it would be asked of all that wait, for every handful. A decoy has been written like any
     * other: its life begins anew, and its way ends here.
     */
    claimDue: `
      WITH t AS (SELECT CAST($1 AS text) AS lease, CAST($2 AS bigint) AS now, CAST($3 AS bigint) AS until),
      w AS MATERIALIZED (
        SELECT l.id, l.decoy, l.delivery_status, l.sent_at, CASE WHEN ${suppressed('l', '(SELECT now FROM t)')} THEN 1 ELSE 0 END AS hushed,
          CASE WHEN l.deliver_by > (SELECT now FROM t) AND ${OPEN} AND NOT ${SUPERSEDED} THEN 1 ELSE 0 END AS wanted
        FROM links AS l WHERE l.due_at <= (SELECT now FROM t) ORDER BY l.due_at LIMIT $4 ${skipLocked}),
      d AS (
        SELECT w.id AS due, wanted * (1 - hushed) AS lives, CASE
          WHEN decoy = 1 THEN delivery_status
          WHEN wanted = 1 AND hushed = 0 THEN 'sending'
          WHEN sent_at IS NOT NULL THEN 'sent'
          WHEN hushed = 1 THEN 'suppressed'
          ELSE 'abandoned' END AS fate
        FROM w)
      UPDATE links AS l SET delivery_status = d.fate,
        lease = CASE d.fate WHEN 'sending' THEN (SELECT lease FROM t) END,
        due_at = CASE d.fate WHEN 'sending' THEN (SELECT until FROM t) END,
        attempts = attempts + CASE d.fate WHEN 'sending' THEN 1 ELSE 0 END,
        issued_at = CASE d.lives WHEN 1 THEN (SELECT now FROM t) ELSE issued_at END,
        expires_at = CASE WHEN d.lives = 1 AND (SELECT now FROM t) / 1000 * 1000 + expires_in * 1000 > expires_at
          THEN (SELECT now FROM t) / 1000 * 1000 + expires_in * 1000 ELSE expires_at END
      FROM d WHERE l.id = d.due ${byKey('l.id', 'SELECT due FROM d')}
      RETURNING ${NAMES}, attempt_log, 0 AS superseded`,
    renewLease: `WITH now AS (SELECT 1) UPDATE links SET due_at = $1 WHERE id = $2 AND lease = $3 RETURNING id`,
    /** Outcomes, no link twice. */
    settle: batch(
      {
        wanted: 'text',
        fence: 'text',
        new_status: 'text',
        new_due: 'bigint',
        new_sent: 'bigint',
        new_error: 'text',
        new_log: 'text',
      },
      (outcomes) => `
      WITH q AS (SELECT * FROM ${outcomes})
      UPDATE links AS l SET delivery_status = q.new_status, due_at = q.new_due, sent_at = COALESCE(q.new_sent, l.sent_at),
        last_error = q.new_error, attempt_log = COALESCE(q.new_log, l.attempt_log), lease = NULL
      FROM q
      WHERE l.id = q.wanted ${byKey('l.id', 'SELECT wanted FROM q')} AND l.lease = q.fence
      RETURNING id`,
    ),
    nextDue: 'SELECT MIN(due_at) AS due_at FROM links WHERE due_at IS NOT NULL',

    /** $1 after this id, $2 before this id, $3 how many */
    sweepEnd:
      'SELECT MAX(id) AS id, COUNT(*) AS n FROM (SELECT id FROM links WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS batch',
    /** $1 after this id, $2 up to this id, $3 ended before, $4 now */
    delete: `
      DELETE FROM links WHERE id IN (
        SELECT l.id FROM links AS l WHERE l.id > $1 AND l.id <= $2 AND l.expires_at < $3 AND l.due_at IS NULL
          AND NOT (l.supersedes = 1 AND EXISTS (SELECT 1 FROM links o WHERE o.app = l.app AND o.subject = l.subject
            AND o.id < l.id AND o.purpose = l.purpose AND o.expires_at > $4)))`,
    /** $1 after this id, $2 up to this id, $3 ended before */
    wipe: `
      UPDATE links SET recipient = NULL, client_key = NULL, data = '{}', template_data = '{}', last_error = NULL, attempt_log = NULL
      WHERE id > $1 AND id <= $2 AND recipient IS NOT NULL AND due_at IS NULL
        AND (expires_at < $3 OR redeemed_at < $3 OR revoked_at < $3)`,
    /** Readiness asks it, too: a server that was demoted still reads, and is of no use. */
    newestId: `${ifWritable}SELECT (SELECT MAX(id) FROM links) AS id`,
  };
}
