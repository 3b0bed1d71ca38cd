import { jest } from '@jest/globals';
import fc from 'fast-check';
import { Unavailable } from '../../src/links/errors.js';
import { GroupCommit } from '../../src/storage/group-commit.js';
import { RowFault } from '../../src/storage/queries.js';

/** A disk whose flushes end when the test says so. */
class Disk {
  readonly batches: string[][] = [];
  private readonly waiting: (() => void)[] = [];
  flush = (batch: readonly string[]): Promise<string[]> => {
    this.batches.push([...batch]);
    return new Promise((done, fail) => {
      this.waiting.push(() =>
        batch.includes('bad') ? fail(new RowFault('bad row')) : done(batch.map((item) => `${item}!`)),
      );
    });
  };
  flushNext(): void {
    this.waiting.shift()!();
  }
  async settle(): Promise<void> {
    await turns(3);
    while (this.waiting.length > 0) {
      this.flushNext();
      // A batch smaller than the last looks out for newcomers.
      await turns(3);
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((turn) => setImmediate(turn));
}

const keyOf = (item: string): string => item.split(':')[0]!;

test('a lone request goes at once; what arrives meanwhile shares the next flush', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [item] });
  const first = write('a');
  await Promise.resolve();
  await Promise.resolve();
  expect(disk.batches).toEqual([['a']]);
  const others = ['b', 'c', 'd'].map(write);
  await disk.settle();
  expect(await Promise.all([first, ...others])).toEqual(['a!', 'b!', 'c!', 'd!']);
  expect(disk.batches).toEqual([['a'], ['b', 'c', 'd']]);
});

test('after a large batch a small one stays while its callers come back, and goes when a turn brings nobody', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [item] });
  const crowd = Array.from({ length: 10 }, (_value, n) => write(`crowd ${n}`));
  await turns(1);
  const early = write('early');
  disk.flushNext();
  await Promise.all(crowd);
  const back = [];
  for (const item of ['one', 'two', 'three', 'four']) {
    back.push(write(item));
    await turns(1);
  }
  expect(disk.batches.slice(1)).toEqual([['early', 'one', 'two', 'three', 'four']]);
  const late = write('late');
  await disk.settle();
  expect(disk.batches.slice(2)).toEqual([['late']]);
  await Promise.all([early, ...back, late]);
});

test('a large batch is told in several turns, and the next is on its way to disk before the first of them', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [item] });
  const told: string[] = [];
  const crowd = Array.from({ length: 250 }, async (_value, n) => told.push(await write(`crowd ${n}`)));
  await turns(1);
  const next = Array.from({ length: 250 }, (_value, n) => write(`next ${n}`));
  disk.flushNext();
  await new Promise((done) => process.nextTick(done));
  expect(disk.batches.map(({ length }) => length)).toEqual([250, 250]);
  expect(told).toEqual([]);
  await turns(1);
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThan(100);
  await turns(32);
  expect(told).toEqual(Array.from({ length: 250 }, (_value, n) => `crowd ${n}!`));
  await disk.settle();
  await Promise.all([...crowd, ...next]);
});

test('who has waited longer is told first, and what several batches have to tell is not told at the same time', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [item] });
  const told: string[] = [];
  const tellOf = (name: string): Promise<unknown>[] =>
    Array.from({ length: 100 }, async (_value, n) => told.push(await write(`${name} ${n}`)));
  const all: Promise<unknown>[] = [];
  let most = 0;
  for (const name of ['first', 'second', 'third']) {
    const before = told.length;
    all.push(...tellOf(name));
    await turns(1);
    most = Math.max(most, told.length - before);
    disk.flushNext();
  }
  for (let before = told.length; told.length < 300; before = told.length) {
    await turns(1);
    most = Math.max(most, told.length - before);
  }
  await Promise.all(all);
  expect(told).toEqual(
    ['first', 'second', 'third'].flatMap((name) => Array.from({ length: 100 }, (_value, n) => `${name} ${n}!`)),
  );
  expect(most).toBeLessThan(25);
});

describe('nor does a crowd keep the others waiting', () => {
  const CROWD = Array.from({ length: 250 }, (_value, n) => `x:${n}`);

  /** @returns how many heard in one turn of the event loop, at most */
  async function mostInATurn(answers: readonly Promise<unknown>[]): Promise<number> {
    let told = 0;
    const hear = (): void => void told++;
    for (const answer of answers) void answer.then(hear, hear);
    let most = 0;
    for (let before = 0; told < answers.length; before = told) {
      await turns(1);
      most = Math.max(most, told - before);
    }
    return most;
  }

  test('whose batch failed', async () => {
    const write = new GroupCommit().lane<string, string>({
      keys: (item) => [item],
      run: () => Promise.reject(new Unavailable()),
    });
    expect(await mostInATurn(CROWD.map(write))).toBeLessThan(50);
  });

  test('that waited too long', async () => {
    const disk = new Disk();
    const write = new GroupCommit({ batch: 1, queue: 500, patience: 5 }).lane({
      run: disk.flush,
      keys: (item) => [item],
    });
    const [stuck, ...others] = CROWD.map(write);
    expect(await mostInATurn(others)).toBeLessThan(50);
    await disk.settle();
    await stuck;
  });

  test('that has lost', async () => {
    const disk = new Disk();
    const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [keyOf(item)], isFinal: () => true });
    const answers = CROWD.map(write);
    await turns(1);
    disk.flushNext();
    expect(await mostInATurn(answers)).toBeLessThan(50);
    expect(disk.batches).toEqual([['x:0']]);
  });
});

test('a small batch leaves as soon as it is half as large as the last, and the others come with the next', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [item] });
  const crowd = Array.from({ length: 6 }, (_value, n) => write(`crowd ${n}`));
  await turns(1);
  const back = [write('early')];
  disk.flushNext();
  await Promise.all(crowd);
  for (const item of ['one', 'two', 'three', 'four']) {
    back.push(write(item));
    for (let n = 0; n < 10; n++) await Promise.resolve();
  }
  expect(disk.batches.slice(1)).toEqual([['early', 'one', 'two']]);
  await disk.settle();
  expect(disk.batches.slice(2)).toEqual([['three', 'four']]);
  await Promise.all(back);
});

test('a small batch looks out for nobody while another lane has something to do', async () => {
  const disk = new Disk();
  const groups = new GroupCommit();
  const redeem = groups.lane({ run: disk.flush, keys: (item) => [item] });
  const mint = groups.lane({ run: disk.flush, keys: (item) => [item] });
  const crowd = Array.from({ length: 10 }, (_value, n) => redeem(`crowd ${n}`));
  await turns(1);
  const first = mint('first');
  disk.flushNext();
  await Promise.all(crowd);
  await turns(1);
  const others = [redeem('few'), mint('second')];
  disk.flushNext();
  await first;
  for (let n = 0; n < 10; n++) await Promise.resolve();
  expect(disk.batches.slice(1)).toEqual([['first'], ['few']]);
  await disk.settle();
  await Promise.all(others);
});

test('items with one key never meet in a batch and keep their order', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [keyOf(item)] });
  const answers = ['x:1', 'x:2', 'y:1', 'x:3'].map(write);
  await new Promise((turn) => setImmediate(turn));
  await disk.settle();
  expect(await Promise.all(answers)).toEqual(['x:1!', 'x:2!', 'y:1!', 'x:3!']);
  expect(disk.batches).toEqual([['x:1', 'y:1'], ['x:2'], ['x:3']]);
});

test('when one has won, those who wait for the same have lost; without a winner each is asked', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane<string, string | undefined>({
    keys: (item) => [keyOf(item)],
    isFinal: (answer) => answer !== undefined,
    run: async (batch) => (await disk.flush(batch)).map((answer) => (answer.startsWith('no') ? undefined : answer)),
  });
  const answers = ['x:1', 'no:1', 'x:2', 'no:2', 'y:1', 'x:3'].map(write);
  await new Promise((turn) => setImmediate(turn));
  await disk.settle();
  expect(await Promise.all(answers)).toEqual(['x:1!', undefined, undefined, undefined, 'y:1!', undefined]);
  expect(disk.batches).toEqual([['x:1', 'no:1', 'y:1'], ['no:2']]);
});

test('the first lane goes first in each round, and none starves', async () => {
  const disk = new Disk();
  const groups = new GroupCommit({ batch: 2, queue: 100, patience: 60_000 });
  const redeem = groups.lane({ run: disk.flush, keys: (item) => [item] });
  const mint = groups.lane({ run: disk.flush, keys: (item) => [item] });
  const answers = [mint('m1'), mint('m2'), mint('m3'), redeem('r1'), redeem('r2'), redeem('r3')];
  await new Promise((turn) => setImmediate(turn));
  await disk.settle();
  await Promise.all(answers);
  expect(disk.batches).toEqual([['r1', 'r2'], ['m1', 'm2'], ['r3'], ['m3']]);
});

test('a bad row fails alone', async () => {
  const disk = new Disk();
  const write = new GroupCommit().lane({ run: disk.flush, keys: (item) => [item] });
  const outcomes = Promise.allSettled(['a', 'bad', 'c'].map(write));
  await new Promise((turn) => setImmediate(turn));
  await disk.settle();
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a database that is gone fails the whole batch at once, without asking for each row again', async () => {
  let asked = 0;
  const write = new GroupCommit().lane<string, string>({
    keys: (item) => [item],
    run: async () => {
      asked += 1;
      throw new Unavailable();
    },
  });
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map(write));
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(asked).toBe(1);
});

test('whoever waited too long behind a stuck batch is told so, and their item is never run', async () => {
  const disk = new Disk();
  const write = new GroupCommit({ batch: 1, queue: 10, patience: 5 }).lane({ run: disk.flush, keys: (item) => [item] });
  const stuck = write('stuck');
  const behind = write('behind');
  await expect(behind).rejects.toBeInstanceOf(Unavailable);
  await disk.settle();
  // What was in a batch gets that batch's answer, however late: it was carried out.
  expect(await stuck).toBe('stuck!');
  expect(disk.batches).toEqual([['stuck']]);
});

test('who waits too long is told so, and a batch has its deadline, although the clock is set back meanwhile', async () => {
  const disk = new Disk();
  const deadlines: number[] = [];
  const write = new GroupCommit({ batch: 1, queue: 10, patience: 50 }).lane<string, string>({
    keys: (item) => [item],
    run: (batch, deadline) => {
      deadlines.push(deadline);
      return disk.flush(batch);
    },
  });
  const stuck = write('stuck');
  const behind = write('behind');
  await Promise.resolve();
  const set = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
  try {
    await expect(behind).rejects.toBeInstanceOf(Unavailable);
    const next = write('next');
    await disk.settle();
    expect(await Promise.all([stuck, next])).toEqual(['stuck!', 'next!']);
  } finally {
    set.mockRestore();
  }
  expect(deadlines).toHaveLength(2);
  expect(deadlines[1]).toBeGreaterThan(deadlines[0]!);
});

test('a full queue refuses at once, and works again when it has drained', async () => {
  const disk = new Disk();
  const write = new GroupCommit({ batch: 2, queue: 3, patience: 60_000 }).lane({
    run: disk.flush,
    keys: (item) => [item],
  });
  const accepted = ['a', 'b', 'c'].map(write);
  await expect(write('d')).rejects.toBeInstanceOf(Unavailable);
  await new Promise((turn) => setImmediate(turn));
  await disk.settle();
  await Promise.all(accepted);
  const later = write('e');
  await new Promise((turn) => setImmediate(turn));
  await disk.settle();
  expect(await later).toBe('e!');
});

describe('newcomers who would wait too long are told so at once', () => {
  const turn = (): Promise<unknown> => new Promise((done) => setImmediate(done));
  const limits = { batch: 2, queue: 100, patience: 60_000 };
  const lanes = () => {
    const disk = new Disk();
    let now = 0;
    const groups = new GroupCommit(limits, () => now);
    const lane = (longestWait: number) => groups.lane({ run: disk.flush, keys: (item) => [keyOf(item)], longestWait });
    return { disk, redeem: lane(200), mint: lane(100), later: (by: number) => void (now += by) };
  };

  test('while others stay behind who waited as long; a queue that is worked off has room again', async () => {
    const { disk, mint, later } = lanes();
    const accepted = ['a', 'b', 'c', 'd', 'e'].map(mint);
    await turn();
    later(60);
    disk.flushNext();
    await turn();
    expect(mint.hasRoom()).toBe(true);
    later(60);
    accepted.push(mint('f'), mint('g'));
    disk.flushNext();
    await turn();
    // `e` went with `f`, who came just now.
    expect(mint.hasRoom()).toBe(true);
    later(120);
    disk.flushNext();
    await disk.settle();
    expect(await Promise.all(accepted)).toHaveLength(7);
    expect(mint.hasRoom()).toBe(true);
    expect(disk.batches).toEqual([['a', 'b'], ['c', 'd'], ['e', 'f'], ['g']]);
  });

  test('the longer of two waits counts, mints are refused before redemptions, and what is refused is never run', async () => {
    const { disk, redeem, mint, later } = lanes();
    const accepted = ['a', 'b', 'c', 'd', 'e', 'f'].map(mint);
    await turn();
    later(120);
    disk.flushNext();
    await turn();
    await expect(mint('refused')).rejects.toBeInstanceOf(Unavailable);
    accepted.push(redeem('x'));
    await disk.settle();
    expect(await Promise.all(accepted)).toHaveLength(7);
    expect(disk.batches.flat()).not.toContain('refused');
  });

  test('as soon as more wait than recent large batches could carry in that time', async () => {
    const disk = new Disk();
    let now = 0;
    const groups = new GroupCommit({ batch: 40, queue: 5_000, patience: 60_000 }, () => now);
    const write = groups.lane({ run: disk.flush, keys: (item) => [item], longestWait: 100 });
    const burst = (name: string, size: number) =>
      Promise.allSettled(Array.from({ length: size }, (_, n) => write(name + n)));
    const first = burst('a', 40);
    await turn();
    now += 80;
    await disk.settle();
    // 2 ms each, believed by half: 100 of them wait 100 ms.
    const second = burst('b', 120);
    await disk.settle();
    const fulfilled = (outcomes: PromiseSettledResult<string>[]) =>
      outcomes.filter(({ status }) => status === 'fulfilled');
    expect([fulfilled(await first).length, fulfilled(await second).length]).toEqual([40, 101]);
  });

  test('while one batch is stuck and another is full already; whoever finds a seat in the next waits for it', async () => {
    const { disk, redeem, mint, later } = lanes();
    const accepted = ['stuck', 'next'].map(mint);
    await turn();
    accepted.push(mint('also next'), redeem('x'), redeem('y'));
    later(150);
    expect([mint.hasRoom(), redeem.hasRoom()]).toEqual([true, true]);
    accepted.push(mint('full'));
    await expect(mint('newcomer')).rejects.toBeInstanceOf(Unavailable);
    expect(redeem.hasRoom()).toBe(true);
    later(100);
    expect(redeem.hasRoom()).toBe(false);
    await disk.settle();
    expect(await Promise.all(accepted)).toHaveLength(6);
    expect([mint.hasRoom(), redeem.hasRoom()]).toEqual([true, true]);
  });

  test('but not for longer than it lasts: when those who waited have gone, the line is open', async () => {
    const disk = new Disk();
    let now = 0;
    const groups = new GroupCommit({ batch: 1, queue: 100, patience: 5 }, () => now);
    const write = groups.lane({ run: disk.flush, keys: (item) => [item], longestWait: 3 });
    const [first, second, third] = ['a', 'b', 'c'].map((item) => write(item));
    await turn();
    now = 4;
    disk.flushNext();
    await turn();
    expect(write.hasRoom()).toBe(false);
    now = 5;
    await expect(third).rejects.toBeInstanceOf(Unavailable);
    expect(write.hasRoom()).toBe(true);
    await disk.settle();
    expect(await Promise.all([first, second])).toEqual(['a!', 'b!']);
    expect(write.hasRoom()).toBe(true);
  });

  test('many writes of one key that wait for each other keep nobody else out', async () => {
    const { disk, mint, later } = lanes();
    const racers = ['x:1', 'x:2', 'x:3', 'x:4'].map(mint);
    for (const other of ['a', 'b', 'c']) {
      await turn();
      later(60);
      expect(mint.hasRoom()).toBe(true);
      racers.push(mint(other));
      disk.flushNext();
    }
    await disk.settle();
    expect(await Promise.all(racers)).toHaveLength(7);
  });
});

test('whatever the arrival, everyone gets an answer of their own, once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.nat(5), pause: fc.boolean() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 7 }),
      async (arrivals, batch) => {
        const seen: number[] = [];
        const write = new GroupCommit({ batch, queue: 1000, patience: 60_000 }).lane<[number, number], number>({
          keys: ([key]) => [String(key)],
          run: async (items) => {
            expect(new Set(items.map(([key]) => key)).size).toBe(items.length);
            expect(items.length).toBeLessThanOrEqual(batch);
            await Promise.resolve();
            return items.map(([, number]) => (seen.push(number), number));
          },
        });
        const answers: Promise<number>[] = [];
        for (const [number, { key, pause }] of arrivals.entries()) {
          answers.push(write([key, number]));
          if (pause) await new Promise((turn) => setImmediate(turn));
        }
        expect(await Promise.all(answers)).toEqual(arrivals.map((_arrival, number) => number));
        expect(seen.sort((a, b) => a - b)).toEqual(arrivals.map((_arrival, number) => number));
      },
    ),
    { numRuns: 300 },
  );
});
