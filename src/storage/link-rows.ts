import type { Attempt, DeliveryStatus, JsonObject, Link, Message, Scalars } from '../links/link.js';
import type { ColumnType } from './dialects.js';

/** The columns of `links`, in the order in which statements name them. */
export const LINK_COLUMNS = {
  id: 'text',
  kind: 'text',
  app: 'text',
  purpose: 'text',
  subject: 'text',
  recipient: 'text',
  recipient_key: 'text',
  address_key: 'text',
  locale: 'text',
  via: 'text',
  decoy: 'integer',
  supersedes: 'integer',
  data: 'text',
  template_data: 'text',
  redirect_uri: 'text',
  fingerprint: 'text',
  code_challenge: 'text',
  idempotency_key: 'text',
  request_digest: 'text',
  created_at: 'bigint',
  expires_in: 'integer',
  issued_at: 'bigint',
  expires_at: 'bigint',
  redeemed_at: 'bigint',
  redeem_key: 'text',
  revoked_at: 'bigint',
  opened_at: 'bigint',
  reported_at: 'bigint',
  renews: 'text',
  code_attempts: 'integer',
  delivery_status: 'text',
  attempts: 'integer',
  due_at: 'bigint',
  deliver_by: 'bigint',
  lease: 'text',
  sent_at: 'bigint',
  last_error: 'text',
  resends: 'integer',
  resent_at: 'bigint',
} as const satisfies Record<string, ColumnType>;

/** What a new link does not have yet; such columns are left to their defaults. */
const LATER = [
  'redeemed_at',
  'redeem_key',
  'revoked_at',
  'opened_at',
  'reported_at',
  'code_attempts',
  'attempts',
  'lease',
  'sent_at',
  'last_error',
  'resends',
  'resent_at',
];
/** The columns that minting writes. */
export const NEW_LINK_COLUMNS = Object.fromEntries(
  Object.entries(LINK_COLUMNS).filter(([name]) => !LATER.includes(name)),
);

type Cell = string | number | null;
export type LinkRow = Record<keyof typeof LINK_COLUMNS, Cell>;
const NAMES = Object.keys(LINK_COLUMNS) as (keyof LinkRow)[];

/**
 * A new link's row with its guard. What it does not have yet is left out, and so is what it does not have at all: the
 * engine reads no text for it. One literal: put together by spreading it took 8 µs.
 */
export function toNewRow(link: Link, guard: GuardRow): Partial<LinkRow> & Partial<GuardRow> {
  const { delivery } = link;
  return {
    id: link.id,
    kind: link.kind,
    app: link.app,
    purpose: link.purpose,
    subject: link.subject,
    recipient: link.recipient ?? undefined,
    recipient_key: link.recipientKey,
    address_key: link.addressKey ?? undefined,
    renews: link.renews ?? undefined,
    locale: link.locale,
    via: link.via,
    decoy: Number(link.decoy),
    supersedes: Number(link.supersedes),
    data: JSON.stringify(link.data),
    template_data: JSON.stringify(link.templateData),
    redirect_uri: link.redirectUri ?? undefined,
    fingerprint: link.fingerprint ?? undefined,
    code_challenge: link.codeChallenge ?? undefined,
    idempotency_key: link.idempotencyKey ?? undefined,
    request_digest: link.requestDigest ?? undefined,
    created_at: link.createdAt,
    expires_in: link.expiresIn,
    issued_at: link.issuedAt,
    expires_at: link.expiresAt,
    delivery_status: delivery.status,
    due_at: delivery.dueAt ?? undefined,
    deliver_by: delivery.deliverBy ?? undefined,
    quiet_since: guard.quiet_since ?? undefined,
    quiet_time: guard.quiet_time ?? undefined,
    recipient_windows: guard.recipient_windows,
  };
}

/** What a mint or a resend is asked to keep to; see `guardColumns`. */
export interface GuardRow {
  quiet_since: string | null;
  quiet_time: number | null;
  recipient_windows: object[];
}

/** A row as a JSON array of its cells in the order of `LINK_COLUMNS`: SQLite hands it over as text, PostgreSQL's driver parses it. */
export type PackedRow = string | Cell[];

export function unpack(packed: PackedRow): LinkRow {
  const cells = typeof packed === 'string' ? (JSON.parse(packed) as Cell[]) : packed;
  const row = {} as LinkRow;
  for (let index = 0; index < NAMES.length; index++) row[NAMES[index]!] = cells[index]!;
  return row;
}

/** @param row as the driver returns it; PostgreSQL sends `bigint` as text */
export function toLink(row: LinkRow & { superseded: Cell | boolean }): Link {
  return {
    id: row.id as string,
    kind: row.kind as Link['kind'],
    app: row.app as string,
    purpose: row.purpose as string,
    subject: row.subject as string,
    recipient: row.recipient as string | null,
    recipientKey: row.recipient_key as string,
    addressKey: row.address_key as string | null,
    locale: row.locale as string,
    via: row.via as 'email' | 'return',
    decoy: row.decoy === 1,
    supersedes: row.supersedes === 1,
    data: JSON.parse(row.data as string) as JsonObject,
    templateData: JSON.parse(row.template_data as string) as Scalars,
    redirectUri: row.redirect_uri as string | null,
    fingerprint: row.fingerprint as string | null,
    codeChallenge: row.code_challenge as string | null,
    idempotencyKey: row.idempotency_key as string | null,
    requestDigest: row.request_digest as string | null,
    createdAt: Number(row.created_at),
    expiresIn: row.expires_in as number,
    issuedAt: Number(row.issued_at),
    expiresAt: Number(row.expires_at),
    redeemedAt: time(row.redeemed_at),
    redeemKey: row.redeem_key as string | null,
    revokedAt: time(row.revoked_at),
    openedAt: time(row.opened_at),
    reportedAt: time(row.reported_at),
    renews: row.renews as string | null,
    codeAttempts: row.code_attempts as number,
    superseded: Boolean(row.superseded),
    delivery: {
      status: row.delivery_status as DeliveryStatus,
      attempts: row.attempts as number,
      dueAt: time(row.due_at),
      deliverBy: time(row.deliver_by),
      lease: row.lease as string | null,
      sentAt: time(row.sent_at),
      lastError: row.last_error as string | null,
      resends: row.resends as number,
      resentAt: time(row.resent_at),
    },
  };
}

export type MessageRow = LinkRow & { superseded: Cell | boolean; attempt_log: string | null };

export function toMessage(row: MessageRow): Message {
  return { ...toLink(row), log: JSON.parse(row.attempt_log ?? '[]') as Attempt[] };
}

function time(cell: Cell): number | null {
  return cell === null ? null : Number(cell);
}
