import { LinkIds } from '../links/link-ids.js';
import type { Link } from '../links/link.js';
import type { CountedBy, MintGuard, Window } from '../links/link-store.js';
import { COUNTED_BY } from './limit-statements.js';
import type { GuardRow } from './link-rows.js';

/** A guard's columns for the limit by recipient, which everybody has. */
export function toGuardRow({ quietSince, windows }: MintGuard, now: number): GuardRow {
  return {
    quiet_since: quietSince === null ? null : LinkIds.floor(quietSince),
    quiet_time: quietSince,
    recipient_windows: toWindowRows(windows, 'recipient', now),
  };
}

/** The columns for the other limits. */
export function toMoreGuardRow(
  { windows }: MintGuard,
  kinds: readonly CountedBy[],
  now: number,
): Record<string, object[]> {
  return Object.fromEntries(
    kinds.filter((by) => by !== 'recipient').map((by) => [`${by}_windows`, toWindowRows(windows, by, now)]),
  );
}

/** The windows of one kind; `nth` is their place among all, and what is minted from `ahead` on counts for none. */
export function toWindowRows(windows: readonly Window[], kind: CountedBy, now: number): object[] {
  return windows.flatMap(({ by, since, count }, nth) => {
    if (by !== kind) return [];
    const row = { nth, since: LinkIds.floor(since), since_time: since, permits: count };
    // Every mint has the recipient's, and nothing asks them for it.
    return by === 'recipient' ? row : { ...row, ahead: LinkIds.floor(2 * now - since + 1) };
  });
}

/** The limits that this guard needs beyond the recipient's, which every mint has. */
export function isPlain({ client, windows }: MintGuard): boolean {
  return client === undefined && windows.every(({ by }) => by === 'recipient');
}

/** What later mints count by, where somebody counts by it: who asked, and whether the app's links are counted. */
export function toCountedRow({ client, windows }: MintGuard): { client_key?: string; counted: 1 | null } {
  return { client_key: client, counted: windows.some(({ by }) => by === 'app') ? 1 : null };
}

/**
 * What a mint or resend counts among: two that share one of these would not see each other in one statement, or, on
 * PostgreSQL, in two that run side by side. A limit per app or of the service thus puts its mints one after the other.
 * An Idempotency-Key is unique, and so the second waits for the first anyway; by this in one order, never in a ring.
 */
export function contentions({ app, subject, recipientKey, idempotencyKey }: Link, guard: MintGuard): string[] {
  const keys = { recipient: recipientKey, subject, client: guard.client, app: '', service: '' };
  const counted = COUNTED_BY.filter((kind) => kind === 'recipient' || guard.windows.some(({ by }) => by === kind)).map(
    (kind) => `${kind} ${kind === 'service' ? '' : app} ${keys[kind]}`,
  );
  return idempotencyKey === null ? counted : [...counted, `key ${app} ${idempotencyKey}`];
}
