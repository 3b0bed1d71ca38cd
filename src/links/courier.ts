import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppStore } from '../apps/app.js';
import type { Clock } from '../clock.js';
import type { Letters } from '../mail/letters.js';
import { DeliveryFailure, type Mailer } from '../mail/mailer.js';
import type { Link } from './link.js';
import type { LinkStore, Settlement } from './link-store.js';
import type { Links } from './links.service.js';

/** A courier that died is taken over after this long, in ms. */
const LEASE = 15_000;
/** The longest sleep, in ms: what another instance queued is seen by then even if nobody wakes us. */
const NAP = 5_000;
/** Pause before an outcome that could not be written is written again, in ms. */
const SETTLE_AGAIN = 500;
/** Pauses before the second, third, … attempt, in seconds; the last one repeats. */
const BACK_OFF = [2, 5, 10, 20, 40, 60];
/** Personal data of an ended link is of no more use after this long, in ms: nothing is resent or replayed any more. */
const WIPE_AFTER = 24 * 3_600_000;
/** Links looked at in one step of the sweep, and the pause between two sweeps, in ms. */
const SWEEP_BATCH = 500;
const SWEEP_EVERY = 3_600_000;

export interface CourierOptions {
  /** mails under way at the same time */
  readonly parallel: number;
  /** how long a finished link's row stays, in ms */
  readonly retention: number;
  /** from 0 to 1, for the jitter of the back-off */
  readonly random: () => number;
  readonly log: (
    event: 'mail sent' | 'mail delayed' | 'mail failed' | 'courier stopped short',
    facts: Record<string, unknown>,
  ) => void;
}

/**
 * Sends what is due: leases links, mints their tokens, has the letters written, hands them to a relay, settles the outcome.
 * The row is the outbox, so whatever happens to this process, another courier finds the mail again when the lease ends;
 * a crash between the relay's 250 and the settled row may repeat a mail, with the same Message-ID.
 */
export class Courier {
  private running = false;
  /** by link id: the mails in hand, each with the lease that fences its outcome */
  private readonly underWay = new Map<string, { lease: string; done: Promise<void> }>();
  private timer: NodeJS.Timeout | undefined;
  private pumping: Promise<void> | undefined;
  private wokenMeanwhile = false;
  private sweptUpTo = '';
  private nextSweep = 0;

  constructor(
    private readonly store: LinkStore,
    private readonly links: Links,
    private readonly apps: AppStore,
    private readonly letters: Letters,
    private readonly mailer: Mailer,
    private readonly clock: Clock,
    private readonly options: CourierOptions,
  ) {}

  get isRunning(): boolean {
    return this.running;
  }

  start(): void {
    this.running = true;
    this.wake();
  }

  /** There may be something to do. Cheap; called for every mail that is queued. */
  wake(): void {
    this.wokenMeanwhile = true;
    if (!this.running || this.pumping) return;
    this.pumping = this.pump().finally(() => {
      this.pumping = undefined;
      if (this.wokenMeanwhile) this.wake();
    });
  }

  /** Claims nothing more and lets what is under way finish. */
  async stop(): Promise<void> {
    this.running = false;
    clearTimeout(this.timer);
    await this.pumping;
    await this.delivered();
  }

  /** Does everything that is due now, once; for tests and for embedding without a background worker. */
  async runOnce(): Promise<void> {
    while ((await this.claim()) > 0) await this.delivered();
  }

  private async delivered(): Promise<void> {
    await Promise.all([...this.underWay.values()].map(({ done }) => done));
  }

  private async pump(): Promise<void> {
    clearTimeout(this.timer);
    let nap = NAP;
    try {
      while (this.running && this.wokenMeanwhile) {
        this.wokenMeanwhile = false;
        if ((await this.claim()) > 0) this.wokenMeanwhile = this.underWay.size < this.options.parallel;
      }
      const due = await this.store.nextDue();
      if (due !== null) nap = Math.min(NAP, Math.max(0, due - this.clock()));
      if (nap > 0 && (await this.sweep())) nap = Math.min(nap, 1_000);
    } catch (error) {
      nap = 1_000;
      this.options.log('courier stopped short', { error });
    }
    // With no hand free, the end of a mail wakes us.
    if (!this.running || this.underWay.size >= this.options.parallel) return;
    this.timer = setTimeout(() => this.wake(), Math.max(nap, 10));
    this.timer.unref();
  }

  /** @returns how many mails were put under way */
  private async claim(): Promise<number> {
    const free = this.options.parallel - this.underWay.size;
    if (free <= 0) return 0;
    const now = this.clock();
    await this.store.abandonOverdue(now);
    const lease = randomUUID();
    const links = await this.store.claimDue(lease, now, now + LEASE, free);
    for (const link of links) {
      const inHand = this.underWay.get(link.id);
      // The clock jumped past our own lease: the attempt goes on, under the new one.
      if (inHand) inHand.lease = lease;
      else this.take(link, lease);
    }
    return links.length;
  }

  private take(link: Link, lease: string): void {
    const mail = { lease, done: Promise.resolve() };
    this.underWay.set(link.id, mail);
    mail.done = this.deliver(link, mail).finally(() => {
      this.underWay.delete(link.id);
      this.wake();
    });
  }

  private async deliver(link: Link, mail: { readonly lease: string }): Promise<void> {
    const heartbeat = setInterval(() => {
      void this.store.renewLease(link.id, mail.lease, this.clock() + LEASE).catch(() => undefined);
    }, LEASE / 3);
    heartbeat.unref();
    try {
      const outcome = await this.attempt(link);
      await this.settle(link.id, mail, outcome);
    } catch (error) {
      // The lease runs out by itself and the mail is tried again.
      this.options.log('courier stopped short', { link: link.id, error });
    } finally {
      clearInterval(heartbeat);
    }
  }

  /** The relay has answered, and must not be asked again because the database does not: its outage is waited out. */
  private async settle(id: string, mail: { readonly lease: string }, outcome: Settlement): Promise<void> {
    for (;;) {
      try {
        await this.store.settle(id, mail.lease, outcome);
        return;
      } catch (error) {
        if (!this.running) throw error;
        this.options.log('courier stopped short', { link: id, error });
        await pause(SETTLE_AGAIN);
      }
    }
  }

  private async attempt(link: Link): Promise<Settlement> {
    const facts = { link: link.id, purpose: link.purpose, attempt: link.delivery.attempts };
    try {
      const relay = await this.mailer.send(await this.write(link));
      this.options.log('mail sent', { ...facts, relay });
      return { status: 'sent', at: this.clock() };
    } catch (error) {
      const reason = (error as Error).message;
      // Whatever is not the relay's doing (a letter that cannot be written) will not get better by waiting.
      if (!(error instanceof DeliveryFailure) || error.permanent) {
        this.options.log('mail failed', { ...facts, reason });
        return { status: 'failed', error: reason.slice(0, 200) };
      }
      const dueAt = this.nextAttempt(link);
      this.options.log('mail delayed', { ...facts, reason, retryInMs: dueAt - this.clock() });
      return { status: 'queued', dueAt, error: reason };
    }
  }

  private async write(link: Link) {
    const app = await this.apps.find(link.app);
    const letter = this.letters.write({
      purpose: link.purpose,
      locale: link.locale,
      appName: app?.name ?? link.app,
      now: this.clock(),
      about:
        link.kind === 'link'
          ? {
              url: this.links.urlOf(link).url,
              oneTimeCode: this.links.mailedCodeOf(link),
              lifetime: link.expiresIn,
              expiresAt: link.expiresAt,
            }
          : { happenedAt: link.createdAt },
      templateData: link.templateData,
    });
    // The same for every attempt, so that a repeated mail is recognised; a mail sent again on request is another one.
    const { resends } = link.delivery;
    return { ...letter, to: link.recipient!, messageId: resends === 0 ? link.id : `${link.id}.${resends}` };
  }

  /** Jitter of ±20 % keeps a crowd of delayed mails from returning at once; the deadline is always looked at. */
  private nextAttempt({ delivery }: Link): number {
    const pause = BACK_OFF[Math.min(delivery.attempts, BACK_OFF.length) - 1]! * 1000;
    const next = this.clock() + Math.round(pause * (0.8 + 0.4 * this.options.random()));
    return Math.min(next, delivery.deliverBy!);
  }

  /** One small step through the old links, in idle time. @returns whether there are more */
  private async sweep(): Promise<boolean> {
    const now = this.clock();
    if (now < this.nextSweep) return false;
    const { retention } = this.options;
    const times = { wipeBefore: now - Math.min(WIPE_AFTER, retention), deleteBefore: now - retention, now };
    const end = await this.store.sweep(this.sweptUpTo, times, SWEEP_BATCH);
    this.sweptUpTo = end ?? '';
    if (end === null) this.nextSweep = now + SWEEP_EVERY;
    return end !== null;
  }
}
