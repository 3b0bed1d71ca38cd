import { LinkIds } from '../links/link-ids.js';
import type { CountedBy, MintGuard, Window } from '../links/link-store.js';
import { COUNTED_BY } from './limit-statements.js';
import type { LinkRow } from './link-rows.js';

/** A guard's columns; see `guardColumns`. */
export function toGuardRow({ quietSince, windows }: MintGuard, kinds: readonly CountedBy[]): Record<string, unknown> {
  const row: Record<string, unknown> = {
    quiet_since: quietSince === null ? null : LinkIds.floor(quietSince),
    quiet_time: quietSince,
  };
  for (const by of kinds) row[`${by}_windows`] = toWindowRows(windows, by);
  return row;
}

/** The windows of one kind; `nth` is their place among all. */
export function toWindowRows(windows: readonly Window[], kind: CountedBy): object[] {
  return windows.flatMap(({ by, since, count }, nth) =>
    by === kind ? [{ nth, since: LinkIds.floor(since), since_time: since, permits: count }] : [],
  );
}

/** The limits that this guard needs beyond the recipient's, which every mint has. */
export function isPlain({ client, windows }: MintGuard): boolean {
  return client === undefined && windows.every(({ by }) => by === 'recipient');
}

/** Whether the links of this app are counted for their own sake. */
export function isCounted({ windows }: MintGuard): boolean {
  return windows.some(({ by }) => by === 'app');
}

export type Keys = Pick<LinkRow, 'app' | 'subject' | 'recipient_key'>;

/**
 * What a mint or resend counts among: two that share one of these would not see each other in one statement, or, on
 * PostgreSQL, in two that run side by side. A limit per app or of the service thus puts its mints one after the other.
 */
export function contentions({ app, subject, recipient_key }: Keys, guard: MintGuard): string[] {
  const keys = { recipient: recipient_key, subject, client: guard.client, app: '', service: '' };
  return COUNTED_BY.filter((kind) => kind === 'recipient' || guard.windows.some(({ by }) => by === kind)).map(
    (kind) => `${kind} ${kind === 'service' ? '' : app} ${keys[kind]}`,
  );
}
