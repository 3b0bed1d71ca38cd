import { asDrafted, asSuppressed } from './draft.js';
import { IdempotencyMismatch, Unavailable, type RateLimited } from './errors.js';
import { IDEMPOTENCY_LIFETIME } from './judgement.js';
import { explainLimit } from './limits.js';
import type { Link } from './link.js';
import type { LinkIds } from './link-ids.js';
import type { LinkStore, MintGuard } from './link-store.js';

/** Times that a mint is asked for before it is left to its caller; each time something else stood in its way. */
const ROUNDS = 5;

/**
 * Writes a new row within its limits: durable, and with a mail to send the order to send it.
 * @param draft the row with that id
 * @returns the row; for a known Idempotency-Key the first one, as its first answer showed it
 * @throws RateLimited, IdempotencyMismatch, Unavailable
 */
export async function insertOnce(
  store: LinkStore,
  ids: LinkIds,
  draft: (id: string) => Link,
  guardOf: (row: Link) => MintGuard,
): Promise<{ link: Link; replayed: boolean }> {
  for (let round = 1; round <= ROUNDS; round++) {
    const row = draft(ids.next());
    const guard = guardOf(row);
    const inserted = await store.insert(row, guard);
    if (inserted) return { link: inserted === 'suppressed' ? asSuppressed(row) : row, replayed: false };
    const earlier = row.idempotencyKey && (await store.findByIdempotencyKey(row.app, row.idempotencyKey));
    if (earlier) {
      const forgotten = row.createdAt - IDEMPOTENCY_LIFETIME;
      if (earlier.createdAt > forgotten) return replay(earlier, row);
      await store.releaseIdempotencyKey(row.app, row.idempotencyKey, forgotten);
      continue;
    }
    const newer = await store.newerThan(row);
    if (newer) ids.startAfter(newer);
    // Somebody else may have freed the key since.
    else if (row.idempotencyKey === null || round > 1) throw await limitOn(store, row, guard, row.createdAt);
  }
  throw new Unavailable();
}

function replay(earlier: Link, row: Link): { link: Link; replayed: boolean } {
  if (earlier.requestDigest !== row.requestDigest) throw new IdempotencyMismatch();
  return { link: asDrafted(earlier), replayed: true };
}

/** Why a row was not inserted, or sent again. It explains; it never decides. */
export async function limitOn(store: LinkStore, row: Link, guard: MintGuard, now: number): Promise<RateLimited> {
  return explainLimit(guard, await store.fillings(row, guard, now));
}
