import type { Page } from '../links/link-store.js';
import type { Queries } from './queries.js';

/**
 * How many rows a page looks through for those that are asked for. SQLite serves nobody else meanwhile: so few take it
 * some 10 ms, and a million of them over a second.
 */
export const REACH = 5_000;
/** Sorts after every id. */
export const LAST = '~';

/**
 * @param after the end of the page before
 * @param among conditions on `l` that an index answers in the order of ids, with `values` from $2 on
 * @returns the id at which a page stops looking, whatever it has found; undefined if it may come to the end
 */
export async function stopOf(
  queries: Queries,
  after: string,
  among = '',
  values: readonly unknown[] = [],
): Promise<string | undefined> {
  const sql = `SELECT l.id AS id FROM links AS l WHERE l.id < $1 ${among} ORDER BY l.id DESC LIMIT 1 OFFSET ${REACH - 1}`;
  const [last] = await queries.rows<{ id: string }>(sql, [after, ...values]);
  return last?.id;
}

/** @param found one more than the page may have, if there are so many down to `stop` */
export function pageOf<Item extends { readonly id: string }>(
  found: readonly Item[],
  limit: number,
  stop: string | undefined,
): Page<Item> {
  if (found.length <= limit) return { items: found, nextCursor: stop ?? null };
  return { items: found.slice(0, limit), nextCursor: found[limit - 1]!.id };
}
