import { Sweeper } from '../../src/links/sweeper.js';
import { APP, openDomain, purposeOf, refusalOf, START, storeWith, type Domain } from '../support/domain.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let domain: Domain;
beforeAll(async () => void (domain = await openDomain(purposeOf('magic-link'))));
beforeEach(() => domain.reset());
afterAll(() => domain.close());

/** A sweeper whose questions can be read; it is told that there is more until `ends` runs out. */
function sweeperWith(retention: number, ...ends: string[]) {
  const asked: unknown[] = [];
  const store = storeWith(domain.store, {
    sweep: (...question) => {
      asked.push(question);
      return Promise.resolve(ends.shift() ?? null);
    },
  });
  return { asked, sweeper: new Sweeper(store, domain.messages, domain.clock.now, retention) };
}

test('goes on where it was, and rests for an hour at the end', async () => {
  const { asked, sweeper } = sweeperWith(30 * DAY, 'a', 'b');
  const times = { wipeBefore: START - DAY, deleteBefore: START - 30 * DAY, now: START };
  expect([await sweeper.step(), await sweeper.step(), await sweeper.step()]).toEqual([true, true, false]);
  expect(asked).toEqual([
    ['', times, 500],
    ['a', times, 500],
    ['b', times, 500],
  ]);
  domain.clock.time += HOUR - 1;
  expect([await sweeper.step(), asked.length]).toEqual([false, 3]);
  domain.clock.time += 1;
  await sweeper.step();
  expect(asked[3]).toEqual(['', { ...times, now: START + HOUR, wipeBefore: START + HOUR - DAY, deleteBefore: START + HOUR - 30 * DAY }, 500]); // prettier-ignore
});

test('forgets links and suppressions that are over', async () => {
  const sweeper = new Sweeper(domain.store, domain.messages, domain.clock.now, 10 * DAY);
  const { id, token } = await domain.mintToken('magic-link');
  await domain.mintToken('magic-link');
  const suppression = { app: 'shop', purpose: '*', recipient: 'ann@example.com', reason: 'reported', createdAt: START } as const; // prettier-ignore
  await domain.messages.suppress({ ...suppression, recipientKey: 'over', until: START + HOUR });
  await domain.messages.suppress({ ...suppression, recipientKey: 'kept', until: null });
  domain.clock.time += 2 * DAY;
  while (await sweeper.step());
  expect((await domain.store.find('shop', id))!.recipient).toBeNull();
  expect((await domain.messages.listSuppressions('shop', {}, { limit: 9 })).map((one) => one.recipientKey)).toEqual(['kept']); // prettier-ignore
  domain.clock.time += 9 * DAY;
  while (await sweeper.step());
  expect(await domain.store.find('shop', id)).toBeUndefined();
  expect(await refusalOf(domain.links.redeem(APP, { token, purpose: 'magic-link' }))).toBe('token_invalid');
});

test('forgets what was minted after a clock had been a year ahead, too', async () => {
  domain.clock.time += 365 * DAY;
  await domain.mintToken('magic-link');
  domain.clock.time -= 365 * DAY;
  const { id } = await domain.mintToken('magic-link');
  domain.clock.time += 2 * DAY;
  const sweeper = new Sweeper(domain.store, domain.messages, domain.clock.now, 10 * DAY);
  while (await sweeper.step());
  expect((await domain.store.find('shop', id))!.recipient).toBeNull();
});
