import { asDrafted, asSuppressed } from './draft.js';
import { IdempotencyMismatch, type RateLimited } from './errors.js';
import { IDEMPOTENCY_LIFETIME } from './judgement.js';
import { explainLimit, guardOf, longestReach } from './limits.js';
import type { Link } from './link.js';
import type { LinkStore } from './link-store.js';
import type { AnyPurpose } from './purpose.js';

/**
 * Writes a new row within its purpose's limits: durable, and with a mail to send the order to send it.
 * @returns the row; for a known Idempotency-Key the first one, as its first answer showed it
 * @throws RateLimited, IdempotencyMismatch, Unavailable
 */
export async function insertOnce(
  store: LinkStore,
  row: Link,
  purpose: AnyPurpose,
): Promise<{ link: Link; replayed: boolean }> {
  const inserted = await store.insert(row, guardOf(purpose, row));
  if (inserted) return { link: inserted === 'suppressed' ? asSuppressed(row) : row, replayed: false };
  const earlier = row.idempotencyKey && (await store.findByIdempotencyKey(row.app, row.idempotencyKey));
  if (!earlier) throw await limitOn(store, row, purpose);
  const forgotten = row.createdAt - IDEMPOTENCY_LIFETIME;
  if (earlier.createdAt <= forgotten) {
    await store.releaseIdempotencyKey(row.app, row.idempotencyKey, forgotten);
    return insertOnce(store, row, purpose);
  }
  if (earlier.requestDigest !== row.requestDigest) throw new IdempotencyMismatch();
  return { link: asDrafted(earlier), replayed: true };
}

/** Why a row was not inserted. It explains; it never decides. */
export async function limitOn(store: LinkStore, row: Link, purpose: AnyPurpose): Promise<RateLimited> {
  const mints = await store.mintsSince(row.app, row.recipientKey, longestReach(purpose, row.createdAt));
  return explainLimit(row, purpose, mints);
}
