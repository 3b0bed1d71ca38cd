import { asDrafted, asSuppressed } from './draft.js';
import { IdempotencyMismatch, type RateLimited } from './errors.js';
import { IDEMPOTENCY_LIFETIME } from './judgement.js';
import { explainLimit } from './limits.js';
import type { Link } from './link.js';
import type { LinkStore, MintGuard } from './link-store.js';

/**
 * Writes a new row within its limits: durable, and with a mail to send the order to send it.
 * @returns the row; for a known Idempotency-Key the first one, as its first answer showed it
 * @throws RateLimited, IdempotencyMismatch, Unavailable
 */
export async function insertOnce(
  store: LinkStore,
  row: Link,
  guard: MintGuard,
): Promise<{ link: Link; replayed: boolean }> {
  const inserted = await store.insert(row, guard);
  if (inserted) return { link: inserted === 'suppressed' ? asSuppressed(row) : row, replayed: false };
  const earlier = row.idempotencyKey && (await store.findByIdempotencyKey(row.app, row.idempotencyKey));
  if (!earlier) throw await limitOn(store, row, guard);
  const forgotten = row.createdAt - IDEMPOTENCY_LIFETIME;
  if (earlier.createdAt <= forgotten) {
    await store.releaseIdempotencyKey(row.app, row.idempotencyKey, forgotten);
    return insertOnce(store, row, guard);
  }
  if (earlier.requestDigest !== row.requestDigest) throw new IdempotencyMismatch();
  return { link: asDrafted(earlier), replayed: true };
}

/** Why a row was not inserted, or sent again. It explains; it never decides. */
export async function limitOn(store: LinkStore, row: Link, guard: MintGuard): Promise<RateLimited> {
  return explainLimit(guard, await store.fillings(row, guard));
}
