import { pageOf, STRETCHES, type Stretch } from '../../src/storage/list-pages.js';
import { PATIENCE } from '../../src/storage/queries.js';

/** Rows whose ids are numbers of four digits, ten to a stretch, from 9999 down. */
const REACH = 10;
const STEP = 0.001;
let now = 0;
let took = STEP;
const stretches: Stretch[] = [];
beforeEach(() => {
  now = 0;
  took = STEP;
  stretches.length = 0;
});

const id = (number: number): string => String(number).padStart(4, '0');
const numberOf = (cursor: string): number => (cursor === '~' ? 10_000 : Number(cursor));
/** @param wanted the numbers of what is looked for */
const list = (wanted: readonly number[], page: { limit: number; after?: string }) =>
  pageOf(
    page,
    async (after) => (numberOf(after) > REACH ? id(numberOf(after) - REACH) : undefined),
    async (stretch) => {
      stretches.push(stretch);
      now += took;
      const isIn = (number: number): boolean => number < numberOf(stretch.after) && number >= Number(stretch.stop);
      const found = wanted.filter(isIn).sort((one, other) => other - one);
      return found.slice(0, stretch.count).map((number) => ({ id: id(number) }));
    },
    () => now,
  );
const ids = (page: { items: readonly { id: string }[] }): number[] => page.items.map((item) => Number(item.id));

test('a page goes on until it is full, and asks for no more than it still needs', async () => {
  const wanted = [9999, 9985, 9984, 9970, 9961];
  const first = await list(wanted, { limit: 3 });
  expect([ids(first), first.nextCursor]).toEqual([[9999, 9985, 9984], id(9980)]);
  expect(stretches.map(({ count }) => count)).toEqual([4, 3]);
  const second = await list(wanted, { limit: 3, after: first.nextCursor! });
  expect(ids(second)).toEqual([9970, 9961]);
});

test('a stretch with more than the page has room for is taken up again behind its last', async () => {
  const wanted = [9985, 9984, 9983, 9982];
  const first = await list(wanted, { limit: 3 });
  expect([ids(first), first.nextCursor]).toEqual([[9985, 9984, 9983], id(9983)]);
  expect(ids(await list(wanted, { limit: 3, after: first.nextCursor! }))).toEqual([9982]);
});

test('it is short when it has looked through enough, and the next one goes on there', async () => {
  const last = 10_000 - STRETCHES * REACH;
  const wanted = [9999, last, last - 1];
  const first = await list(wanted, { limit: 3 });
  expect([ids(first), first.nextCursor]).toEqual([[9999, last], id(last)]);
  expect(stretches).toHaveLength(STRETCHES);
  expect(ids(await list(wanted, { limit: 3, after: id(last) }))).toEqual([last - 1]);
});

test('or when the database is slow: whoever asks hears in time', async () => {
  took = PATIENCE / 3;
  const page = await list([9999, 9975], { limit: 3 });
  expect([ids(page), page.nextCursor]).toEqual([[9999], id(9980)]);
  expect(stretches.map(({ deadline }) => deadline)).toEqual([PATIENCE, PATIENCE]);
});

test('at the end there is no next one', async () => {
  const page = await list([3], { limit: 3, after: id(15) });
  expect([ids(page), page.nextCursor]).toEqual([[3], null]);
});
