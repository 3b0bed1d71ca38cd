import { Unavailable } from '../links/errors.js';
import { PATIENCE, RowFault } from './queries.js';

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** ms since the epoch */
  readonly deadline: number;
  timer: NodeJS.Timeout | undefined;
}

/** One kind of write: how a batch is run, and what must not meet in one batch. */
export interface Lane<Item, Answer> {
  /**
   * @param deadline when to give up, in ms since the epoch
   * @returns one answer per item, in order
   */
  run(batch: readonly Item[], deadline: number): Promise<readonly Answer[]>;
  /** items that share a key go into different batches, one after the other */
  keys(item: Item): readonly string[];
}

/**
 * Group commit: while one batch is on its way to disk, whatever arrives gathers into the next. There is no timer, so a
 * lone request goes at once; under load one flush carries many. Lanes take turns in the order they were added, one
 * batch each, and only one batch is under way at a time.
 */
export class GroupCommit {
  private readonly queues: Queue[] = [];
  private running = false;

  /** @param limits items per batch, waiting per lane before further ones are refused at once, longest wait in ms */
  constructor(private readonly limits = { batch: 256, queue: 5_000, patience: PATIENCE }) {}

  /** @returns the function that puts an item into this lane and answers when it is durable */
  lane<Item, Answer>(lane: Lane<Item, Answer>): (item: Item) => Promise<Answer> {
    const waiting: Waiting<Item, Answer>[] = [];
    this.queues.push({ waiting: waiting, runNext: () => this.runBatch(lane, waiting) });
    return (item) => {
      if (waiting.length >= this.limits.queue) return Promise.reject(new Unavailable());
      return new Promise<Answer>((resolve, reject) => {
        const deadline = Date.now() + this.limits.patience;
        const entry: Waiting<Item, Answer> = { item, resolve, reject, deadline, timer: undefined };
        // What waits too long behind other batches is taken out and never run. What is in a batch gets that batch's answer.
        entry.timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(entry), 1);
          reject(new Unavailable());
        }, this.limits.patience);
        waiting.push(entry);
        if (!this.running) void this.pump();
      });
    };
  }

  private async pump(): Promise<void> {
    this.running = true;
    // Let everything that arrived in this turn of the event loop into the first batch.
    await Promise.resolve();
    while (this.queues.some(({ waiting }) => waiting.length > 0)) {
      for (const queue of this.queues) if (queue.waiting.length > 0) await queue.runNext();
    }
    this.running = false;
  }

  private async runBatch<Item, Answer>(lane: Lane<Item, Answer>, waiting: Waiting<Item, Answer>[]): Promise<void> {
    const batch = takeDistinct(waiting, lane, this.limits.batch);
    for (const { timer } of batch) clearTimeout(timer);
    const deadline = Math.min(...batch.map((one) => one.deadline));
    try {
      const answers = await lane.run(
        batch.map(({ item }) => item),
        deadline,
      );
      batch.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      if (batch.length === 1 || !(error instanceof RowFault)) return batch.forEach(({ reject }) => reject(error));
      // One caller's bad row must not fail the others.
      for (const one of batch)
        await lane.run([one.item], deadline).then(([answer]) => one.resolve(answer!), one.reject);
    }
  }
}

interface Queue {
  readonly waiting: readonly unknown[];
  runNext(): Promise<void>;
}

/** Takes the first items whose keys differ; the others keep their order for the next batch. */
function takeDistinct<Item, Answer>(
  waiting: Waiting<Item, Answer>[],
  lane: Lane<Item, Answer>,
  most: number,
): Waiting<Item, Answer>[] {
  const batch: Waiting<Item, Answer>[] = [];
  const keys = new Set<string>();
  const later: Waiting<Item, Answer>[] = [];
  let index = 0;
  for (; index < waiting.length && batch.length < most; index++) {
    const one = waiting[index]!;
    const own = lane.keys(one.item);
    if (own.some((key) => keys.has(key))) later.push(one);
    else batch.push(one);
    for (const key of own) keys.add(key);
  }
  waiting.splice(0, index, ...later);
  return batch;
}
