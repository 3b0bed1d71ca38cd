import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { App, AppStore } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { Gathering } from './gathering.js';
import { statusOf, type LinkStatus, type Message } from './link.js';
import type { LinkStore } from './link-store.js';
import { EVERY_PURPOSE, type MessageStore } from './message-store.js';
import type { CourierLog, Postman } from './postman.js';
import type { Sweeper } from './sweeper.js';

/** A courier that died is taken over after this long, in ms. */
const LEASE = 15_000;
/** The longest sleep, in ms: what another instance queued is seen by then even if nobody wakes us. */
const NAP = 5_000;
/** Pause before an outcome that could not be written is written again, in ms. */
const SETTLE_AGAIN = 500;
/** For how long after a stop, in ms: the last try, of two seconds at most, ends before the process has to (main.ts). */
const LAST_OUTCOMES = 7_000;
/** How long an outcome waits for others to be written with, in ms, while there are more to come. */
const GATHERING = 20;

/** A link of which no mail may leave any more. */
const ENDED: readonly LinkStatus[] = ['redeemed', 'revoked', 'superseded'];

interface InHand {
  /** fences the outcome */
  lease: string;
  /** as far as is known; ms since the epoch */
  leasedUntil: number;
  done: Promise<void>;
}

/**
 * Sends what is due: leases links, has their mails handed over, settles the outcome.
 * The row is the outbox, so whatever happens to this process, another courier finds the mail again when the lease ends;
 * a crash between the relay's 250 and the settled row may repeat a mail, with the same Message-ID.
 */
export class Courier {
  private running = false;
  /** whether an outcome that could not be written is written again */
  private patient = false;
  /** by link id: the mails in hand */
  private readonly underWay = new Map<string, InHand>();
  private readonly ended = new Gathering(GATHERING);
  private timer: NodeJS.Timeout | undefined;
  private pumping: Promise<void> | undefined;
  private wokenMeanwhile = false;

  constructor(
    private readonly store: LinkStore,
    private readonly messages: MessageStore,
    private readonly apps: AppStore,
    private readonly postman: Postman,
    private readonly sweeper: Sweeper,
    private readonly clock: Clock,
    private readonly log: CourierLog,
  ) {}

  get isRunning(): boolean {
    return this.running;
  }

  start(): void {
    this.running = true;
    this.patient = true;
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

  /** Claims nothing more and lets what is under way finish, its outcome included. */
  async stop(): Promise<void> {
    this.running = false;
    clearTimeout(this.timer);
    const patience = setTimeout(() => (this.patient = false), LAST_OUTCOMES);
    await this.pumping;
    await this.delivered();
    clearTimeout(patience);
    this.patient = false;
  }

  /** Does everything that is due now, once; for tests and for embedding without a background worker. */
  async runOnce(): Promise<void> {
    while ((await this.claim(this.postman.parallel)) > 0) await this.delivered();
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
        // Mails that ended together free their hands together.
        await turn();
        const { free } = this;
        // As many as there were hands for: there may be more.
        if (free > 0 && (await this.claim(free)) === free) this.wokenMeanwhile = true;
      }
      // With too few hands free, the end of a mail wakes us.
      if (this.free === 0) return;
      const due = await this.store.nextDue();
      if (due !== null) nap = Math.min(NAP, Math.max(0, due - this.clock()));
      if (nap > 0 && (await this.sweeper.step())) nap = Math.min(nap, 1_000);
    } catch (error) {
      nap = 1_000;
      this.log('courier stopped short', { error });
    }
    if (!this.running) return;
    this.timer = setTimeout(() => this.wake(), Math.max(nap, 10));
    this.timer.unref();
  }

  /** Hands to give mails to: half of all or none, because claiming many costs little more than claiming one. */
  private get free(): number {
    const { parallel } = this.postman;
    const free = parallel - this.underWay.size;
    return free >= parallel / 2 ? free : 0;
  }

  /** @returns how many mails were due, up to `most` */
  private async claim(most: number): Promise<number> {
    const now = this.clock();
    const lease = randomUUID();
    const messages = await this.store.claimDue(lease, now, now + LEASE, most);
    // Asked once for all of them: few apps have many mails.
    const apps = new Map<string, Promise<App | undefined>>();
    for (const message of messages) {
      const { id, app, delivery } = message;
      const inHand = this.underWay.get(id);
      if (delivery.status !== 'sending') this.tellEnd(message);
      // The clock jumped past our own lease: the attempt goes on, under the new one.
      else if (inHand) Object.assign(inHand, { lease, leasedUntil: now + LEASE });
      else {
        if (!apps.has(app)) apps.set(app, this.apps.find(app));
        this.take(message, apps.get(app)!, lease);
      }
    }
    return messages.length;
  }

  /** It is past its deadline or no longer wanted. What had been mailed before, and was to be mailed again, stays sent. */
  private tellEnd({ id, delivery: { status } }: Message): void {
    if (status === 'abandoned' || status === 'suppressed') this.log(`mail ${status}`, { link: id });
  }

  private take(message: Message, app: Promise<App | undefined>, lease: string): void {
    const mail: InHand = { lease, leasedUntil: message.delivery.dueAt!, done: Promise.resolve() };
    this.underWay.set(message.id, mail);
    mail.done = this.deliver(message, app, mail).finally(() => {
      this.underWay.delete(message.id);
      this.wake();
    });
  }

  private async deliver(message: Message, app: Promise<App | undefined>, mail: InHand): Promise<void> {
    const { id } = message;
    const lost = new AbortController();
    const heartbeat = setInterval(() => void this.renew(message, mail, lost), LEASE / 3);
    heartbeat.unref();
    try {
      const { outcome, log, noSuchMailbox } = await this.postman.attempt(message, await app, lost.signal);
      await this.ended.join(Math.min(this.underWay.size, this.postman.parallel / 2));
      const isOurs = await this.settle(id, () => this.store.settle(id, mail.lease, outcome, log));
      // What another courier has mailed since has an outcome of its own.
      if (isOurs && noSuchMailbox) await this.suppress(message);
    } catch (error) {
      // The lease runs out by itself and the mail is tried again.
      this.log('courier stopped short', { link: id, error });
    } finally {
      clearInterval(heartbeat);
    }
  }

  /** Takes the letter back when nobody wants it any more, or its lease is lost, or may be: another courier mails it then. */
  private async renew({ app, id }: Message, mail: InHand, lost: AbortController): Promise<void> {
    const { lease } = mail;
    const until = this.clock() + LEASE;
    try {
      const isRenewed = await this.store.renewLease(id, lease, until);
      if (isRenewed) {
        mail.leasedUntil = until;
        const link = await this.store.find(app, id);
        if (link && ENDED.includes(statusOf(link, this.clock()))) lost.abort();
      }
      // If it is another one by now, we have claimed the mail anew ourselves.
      else if (mail.lease === lease) lost.abort();
    } catch {
      if (this.clock() >= mail.leasedUntil) lost.abort();
    }
  }

  /** The relay has answered, and must not be asked again because the database does not: its outage is waited out. */
  private async settle(id: string, write: () => Promise<boolean>): Promise<boolean> {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (!this.patient) throw error;
        this.log('courier stopped short', { link: id, error });
        await new Promise((resolve) => setTimeout(resolve, SETTLE_AGAIN));
      }
    }
  }

  /** The mailbox does not exist: until somebody says otherwise, no mail of this app is tried there. */
  private async suppress({ app, recipient, recipientKey, addressKey }: Message): Promise<void> {
    await this.messages.suppress({
      app,
      recipientKey: addressKey ?? recipientKey,
      purpose: EVERY_PURPOSE,
      recipient: recipient!,
      reason: 'refused',
      createdAt: this.clock(),
      until: null,
    });
  }
}
