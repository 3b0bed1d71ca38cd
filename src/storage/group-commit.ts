import { setImmediate as turn } from 'node:timers/promises';
import { elapsed } from '../clock.js';
import { Unavailable } from '../links/errors.js';
import { PATIENCE, RowFault } from './queries.js';

interface Waiting<Item, Answer> {
  readonly item: Item;
  /** of its lane */
  readonly keys: readonly string[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** ms, as `elapsed` counts them */
  readonly since: number;
}

/** One kind of write: how a batch is run, and what must not meet in one batch. */
export interface Lane<Item, Answer> {
  /**
   * @param deadline when to give up, in ms as `elapsed` counts them
   * @returns one answer per item, in order
   */
  run(batch: readonly Item[], deadline: number): Promise<readonly Answer[]>;
  /** items that share a key go into different batches, one after the other */
  keys(item: Item): readonly string[];
  /** whether an answer leaves nothing to win for those who wait with the same key: they get `undefined` unasked */
  readonly isFinal?: (answer: Answer) => boolean;
  /**
   * newcomers that would stand behind a whole batch and wait longer than this, in ms, are refused at once; without it,
   * when the queue is full
   */
  readonly longestWait?: number;
}

/** Puts an item into its lane and answers when it is durable. */
export interface Write<Item, Answer> {
  (item: Item): Promise<Answer>;
  /** Whether an item would be taken now. */
  hasRoom(): boolean;
}

/**
 * Group commit: while one batch is on its way to disk, whatever arrives gathers into the next. There is no timer, so a
 * lone request goes at once; under load one flush carries many. Lanes take turns in the order they were added, one
 * batch each, and only one batch is under way at a time.
 */
export class GroupCommit {
  private readonly queues: Queue<never, never>[] = [];
  private readonly teller = new Teller();
  private running = false;
  /** when the batch under way began, in ms */
  private began = 0;

  /** @param limits items per batch, waiting per lane before further ones are refused at once, longest wait in ms */
  constructor(
    private readonly limits = { batch: 256, queue: 5_000, patience: PATIENCE },
    private readonly clock = elapsed,
  ) {}

  lane<Item, Answer>(lane: Lane<Item, Answer>): Write<Item, Answer> {
    const queue = new Queue(lane, this.limits, this.clock, this.teller);
    this.queues.push(queue as unknown as Queue<never, never>);
    const hasRoom = (): boolean => queue.hasRoom(this.running ? this.clock() - this.began : 0);
    const write = (item: Item): Promise<Answer> => {
      if (!hasRoom()) return Promise.reject(new Unavailable());
      const answer = queue.add(item);
      if (!this.running) void this.pump();
      return answer;
    };
    return Object.assign(write, { hasRoom });
  }

  private async pump(): Promise<void> {
    this.running = true;
    this.began = this.clock();
    // Let everything that arrived in this turn of the event loop into the first batch.
    await Promise.resolve();
    while (this.queues.some(({ isEmpty }) => !isEmpty)) {
      for (const queue of this.queues) {
        if (queue.isEmpty) continue;
        if (this.queues.every((other) => other === queue || other.isEmpty)) await queue.gather();
        this.began = this.clock();
        await queue.runNext();
      }
    }
    this.running = false;
  }
}

/** Items from which on a batch shows what the database can do. */
const LARGE = 32;
/** Callers who are told in one turn of the event loop: each takes what follows it, in HTTP 0.1 to 0.5 ms. */
const PER_TURN = 16;

/**
 * Tells who has waited longest first, and a few in each turn of the event loop: meanwhile the next batch is on its way to
 * disk, whoever is refused hears it in between, and newcomers are let in, of whom libuv accepts one connection a turn
 * (https://github.com/libuv/libuv/pull/3696). Several crowds at once would make each turn as long as all of them take.
 */
class Teller {
  private readonly due: (() => void)[] = [];
  private telling = false;

  /** @param next from the next turn on: what follows an answer is our work, which somebody else need not wait for */
  tell<One>(all: readonly One[], tellOne: (one: One, index: number) => void, next = false): void {
    for (const [index, one] of all.entries()) this.due.push(() => tellOne(one, index));
    if (!this.telling) void this.tellAll(next);
  }

  private async tellAll(next: boolean): Promise<void> {
    this.telling = true;
    if (next) await turn();
    while (this.due.length > 0) {
      for (const tellOne of this.due.splice(0, PER_TURN)) tellOne();
      if (this.due.length > 0) await turn();
    }
    this.telling = false;
  }
}

/** What waits in one lane, oldest first. */
class Queue<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = [];
  /** how long the last one that was taken had waited while others had to stay, in ms: no newcomer would be faster */
  private lastWait = 0;
  private lastSize = 0;
  private leave: (() => void) | undefined;
  /** how long one of many took in the last large batches, in ms: a small one can only show that more is possible */
  private pace = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly lane: Lane<Item, Answer>,
    private readonly limits: { batch: number; queue: number; patience: number },
    private readonly clock: () => number,
    private readonly teller: Teller,
  ) {}

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** @param underWay how long the batch under way has taken so far, in ms */
  hasRoom(underWay: number): boolean {
    const { length } = this.waiting;
    if (length >= this.limits.queue) return false;
    // The next batch has a seat for this one. A disk that is slow for a moment is no crowd: waiting is worth it.
    if (length < this.limits.batch) return true;
    return Math.max(this.lastWait, underWay, length * this.pace) <= (this.lane.longestWait ?? Infinity);
  }

  add(item: Item): Promise<Answer> {
    this.timer ??= this.dismissIn(this.limits.patience);
    return new Promise<Answer>((resolve, reject) => {
      this.waiting.push({ item, keys: this.lane.keys(item), resolve, reject, since: this.clock() });
      if (this.leave && this.isHalf) this.leave();
    });
  }

  /**
   * Those who have just been answered are on their way back. A batch that left without them would carry few, and make
   * all of them wait for its flush: it stays until it is half as large as the last, or two turns bring nobody (in the
   * first they may only hear their answers). The other half arrives while this one is on its way, so that neither the
   * disk nor we wait for each other.
   */
  async gather(): Promise<void> {
    for (let quiet = 0; quiet < 2 && !this.isHalf;) {
      const before = this.waiting.length;
      await new Promise<void>((go) => {
        this.leave = go;
        setImmediate(go);
      });
      quiet = this.waiting.length > before ? 0 : quiet + 1;
    }
    this.leave = undefined;
  }

  private get isHalf(): boolean {
    return this.waiting.length >= this.lastSize / 2;
  }

  async runNext(): Promise<void> {
    const batch = this.takeDistinct();
    // They may have waited for too long while others gathered.
    if (batch.length === 0) return;
    this.lastSize = batch.length;
    const began = this.clock();
    this.lastWait = this.isEmpty ? 0 : began - batch.at(-1)!.since;
    const deadline = batch[0]!.since + this.limits.patience;
    try {
      const answers = await this.lane.run(
        batch.map(({ item }) => item),
        deadline,
      );
      const pace = (this.clock() - began) / batch.length;
      if (batch.length >= LARGE) this.pace = (this.pace + pace) / 2;
      else this.pace = Math.min(this.pace, pace);
      // The next batch is to be on its way to disk first.
      this.teller.tell(batch, ({ resolve }, index) => resolve(answers[index]!), !this.isEmpty);
      if (!this.isEmpty) this.dismissLosers(batch, answers);
    } catch (error) {
      if (batch.length === 1 || !(error instanceof RowFault))
        return this.teller.tell(batch, ({ reject }) => reject(error));
      // One caller's bad row must not fail the others.
      for (const one of batch)
        await this.lane.run([one.item], deadline).then(([answer]) => one.resolve(answer!), one.reject);
    }
  }

  /** Takes the first items whose keys differ; the others keep their order for the next batch. */
  private takeDistinct(): Waiting<Item, Answer>[] {
    const batch: Waiting<Item, Answer>[] = [];
    const keys = new Set<string>();
    const later: Waiting<Item, Answer>[] = [];
    let index = 0;
    for (; index < this.waiting.length && batch.length < this.limits.batch; index++) {
      const one = this.waiting[index]!;
      if (one.keys.some((key) => keys.has(key))) later.push(one);
      else batch.push(one);
      for (const key of one.keys) keys.add(key);
    }
    this.waiting.splice(0, index, ...later);
    return batch;
  }

  /** A hundred who race for one thing need no hundred batches. */
  private dismissLosers(batch: readonly Waiting<Item, Answer>[], answers: readonly Answer[]): void {
    const { isFinal } = this.lane;
    if (!isFinal) return;
    const gone = new Set<string>();
    for (const [index, answer] of answers.entries())
      if (isFinal(answer)) for (const key of batch[index]!.keys) gone.add(key);
    const isLost = ({ keys }: Waiting<Item, Answer>): boolean => keys.some((key) => gone.has(key));
    const lost = this.waiting.filter(isLost);
    if (lost.length > 0) this.waiting = this.waiting.filter((one) => !isLost(one));
    this.teller.tell(lost, ({ resolve }) => resolve(undefined as Answer));
  }

  /** What waited too long behind other batches is told so and never run. What is in a batch gets that batch's answer. */
  private dismiss(): void {
    const end = this.clock() - this.limits.patience;
    const kept = this.waiting.findIndex(({ since }) => since > end);
    const late = this.waiting.splice(0, kept < 0 ? this.waiting.length : kept);
    this.teller.tell(late, ({ reject }) => reject(new Unavailable()));
    const next = this.waiting[0];
    this.timer = next && this.dismissIn(Math.max(1, next.since - end));
  }

  private dismissIn(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.dismiss(), milliseconds).unref();
  }
}
