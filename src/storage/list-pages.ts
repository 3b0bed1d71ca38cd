import { elapsed } from '../clock.js';
import type { Page } from '../links/link-store.js';
import { PATIENCE, type Queries } from './queries.js';

/**
 * How many rows are looked through in one go. SQLite serves nobody else meanwhile: so few take it some 10 ms, and a
 * million of them over a second.
 */
export const REACH = 5_000;
/** How many such stretches a page looks through at most, while it is not full. Others are served in between. */
export const STRETCHES = 20;
/** Sorts after every id. */
export const LAST = '~';

/** What is looked through: from the newest that is older than `after` down to `stop`, which is in it. */
export interface Stretch {
  readonly after: string;
  readonly stop: string;
  /** of what is found, the newest are enough */
  readonly count: number;
  /** when to give up, in ms as `elapsed` counts them */
  readonly deadline: number;
}

/**
 * A page of what may be rare among many. It is full, or there is no more, or it has looked for long enough: then it is
 * short, and the next one goes on where it stopped.
 * @param stopOf the last id of the stretch that begins there; undefined if the rest is one
 * @param find what is in a stretch, newest first
 */
export async function pageOf<Item extends { readonly id: string }>(
  { limit, after = LAST }: { limit: number; after?: string },
  stopOf: (after: string, deadline: number) => Promise<string | undefined>,
  find: (stretch: Stretch) => Promise<readonly Item[]>,
  clock = elapsed,
): Promise<Page<Item>> {
  const began = clock();
  const deadline = began + PATIENCE;
  const items: Item[] = [];
  for (let nth = 1; ; nth++) {
    const stop = await stopOf(after, deadline);
    items.push(...(await find({ after, stop: stop ?? '', count: limit + 1 - items.length, deadline })));
    if (items.length > limit) return { items: items.slice(0, limit), nextCursor: items[limit - 1]!.id };
    if (stop === undefined) return { items, nextCursor: null };
    const isEnough = items.length === limit || nth === STRETCHES || clock() > began + PATIENCE / 2;
    if (isEnough) return { items, nextCursor: stop };
    after = stop;
  }
}

/**
 * Where a stretch stops that begins behind `after`.
 * @param among conditions on `l` that an index answers in the order of ids, with `values` from $2 on
 */
export function stopsAmong(queries: Queries, among = '', values: readonly unknown[] = []) {
  const sql = `SELECT l.id AS id FROM links AS l WHERE l.id < $1 ${among} ORDER BY l.id DESC LIMIT 1 OFFSET ${REACH - 1}`;
  return async (after: string, deadline: number): Promise<string | undefined> => {
    const [last] = await queries.rows<{ id: string }>(sql, [after, ...values], deadline);
    return last?.id;
  };
}

/** For what an index knows, and few of: all of it is one stretch. */
export const NO_STOP = async (): Promise<undefined> => undefined;
