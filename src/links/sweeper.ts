import type { Clock } from '../clock.js';
import type { LinkStore } from './link-store.js';
import type { MessageStore } from './message-store.js';

/** Personal data of an ended link is of no more use after this long, in ms: nothing is resent or replayed any more. Rows stay at least as long. */
const WIPE_AFTER = 24 * 3_600_000;
/** Links looked at in one step, and the pause between two sweeps, in ms. */
const BATCH = 500;
const EVERY = 3_600_000;

/** Forgets what has ended, in small steps for whoever has an idle moment. */
export class Sweeper {
  private sweptUpTo = '';
  private next = 0;

  /** @param retention how long a finished link's row stays, in ms */
  constructor(
    private readonly store: LinkStore,
    private readonly messages: MessageStore,
    private readonly clock: Clock,
    private readonly retention: number,
  ) {}

  /** @returns whether there is more to do */
  async step(): Promise<boolean> {
    const now = this.clock();
    if (now < this.next) return false;
    const times = { wipeBefore: now - WIPE_AFTER, deleteBefore: now - this.retention, now };
    const end = await this.store.sweep(this.sweptUpTo, times, BATCH);
    this.sweptUpTo = end ?? '';
    if (end !== null) return true;
    await this.messages.forgetSuppressions(now);
    this.next = now + EVERY;
    return false;
  }
}
