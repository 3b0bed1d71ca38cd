import type { App } from '../apps/app.js';
import type { Clock } from '../clock.js';
import type { Letters } from '../mail/letters.js';
import type { Handover, Letter, Mailer } from '../mail/mailer.js';
import type { Attempt, Link, Message } from './link.js';
import type { Settlement } from './link-store.js';
import type { Links } from './links.service.js';

/** Pauses before the second, third, … attempt, in seconds; the last one repeats. */
const BACK_OFF = [2, 5, 10, 20, 40, 60];
/** Conversations with relays that a message remembers. */
const REMEMBERED = 20;

const UNKNOWN_PURPOSE = 'this instance does not know the purpose; another one may';

export type CourierLog = (
  event: 'mail sent' | 'mail delayed' | 'mail failed' | 'mail abandoned' | 'mail suppressed' | 'courier stopped short',
  facts: Record<string, unknown>,
) => void;

/** What became of an attempt, to be written down. */
export interface Attempted {
  readonly outcome: Settlement;
  /** the latest conversations, this attempt's included */
  readonly log: readonly Attempt[];
  readonly noSuchMailbox: boolean;
}

/** Makes one attempt: mints the token, has the letter written, hands it to a relay, and judges what comes next. */
export class Postman {
  /** @param random from 0 to 1, for the jitter of the back-off */
  constructor(
    private readonly links: Links,
    private readonly letters: Letters,
    private readonly mailer: Mailer,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly log: CourierLog,
  ) {}

  /** How many attempts to make at the same time. */
  get parallel(): number {
    return this.mailer.parallel;
  }

  /** @param app undefined if it is gone. @param signal takes the letter back, unless a relay has begun to take it */
  async attempt(message: Message, app: App | undefined, signal?: AbortSignal): Promise<Attempted> {
    const handover = await this.handOver(message, app, signal);
    return {
      outcome: this.outcomeOf(message, handover),
      log: [...message.log, ...handover.log].slice(-REMEMBERED),
      noSuchMailbox: handover.noSuchMailbox,
    };
  }

  private async handOver(message: Message, app: App | undefined, signal?: AbortSignal): Promise<Handover> {
    // While a new purpose is rolled out, or an old one withdrawn, not all instances have its folder.
    if (!this.letters.knows(message.purpose)) return unwritten('delayed', UNKNOWN_PURPOSE);
    let letter: Letter;
    try {
      letter = this.write(message, app);
    } catch (error) {
      // A letter that cannot be written will not get better by waiting.
      return unwritten('refused', (error as Error).message.slice(0, 200));
    }
    return this.mailer.send(letter, signal);
  }

  private outcomeOf(message: Message, { relay, outcome, reply }: Handover): Settlement {
    const facts = { link: message.id, purpose: message.purpose, attempt: message.delivery.attempts };
    const reason = `${relay}: ${reply}`;
    if (outcome === 'accepted') {
      this.log('mail sent', { ...facts, relay });
      return { status: 'sent', at: this.clock() };
    }
    if (outcome === 'refused') {
      this.log('mail failed', { ...facts, reason });
      return { status: 'failed', error: reason };
    }
    const dueAt = this.nextAttempt(message);
    this.log('mail delayed', { ...facts, reason, retryInMs: dueAt - this.clock() });
    return { status: 'queued', dueAt, error: reason };
  }

  private write(link: Link, app: App | undefined): Letter {
    const letter = this.letters.write({
      purpose: link.purpose,
      locale: link.locale,
      app: { name: app?.name ?? link.app, colour: app?.colour, logo: app?.logo },
      now: this.clock(),
      about:
        link.kind === 'link'
          ? {
              url: this.links.urlOf(link).url,
              reportUrl: this.links.reportUrlOf(link),
              oneTimeCode: this.links.mailedCodeOf(link),
              lifetime: link.expiresIn,
              expiresAt: link.expiresAt,
            }
          : { happenedAt: link.createdAt },
      templateData: link.templateData,
    });
    // The same for every attempt, so that a repeated mail is recognised; what is sent once more after it was sent is
    // another mail. Not told by the resends: those also count that were asked for while the mail was on its way.
    const { sentAt } = link.delivery;
    const sender = { from: app?.from, replyTo: app?.replyTo };
    return {
      ...letter,
      ...sender,
      purpose: link.purpose,
      to: link.recipient!,
      messageId: sentAt === null ? link.id : `${link.id}.${sentAt}`,
    };
  }

  /** Jitter of ±20 % keeps a crowd of delayed mails from returning at once; the deadline is always looked at. */
  private nextAttempt({ delivery }: Link): number {
    const pause = BACK_OFF[Math.min(delivery.attempts, BACK_OFF.length) - 1]! * 1000;
    const next = this.clock() + Math.round(pause * (0.8 + 0.4 * this.random()));
    return Math.min(next, delivery.deliverBy!);
  }
}

/** There is no letter, and so no relay was asked. */
function unwritten(outcome: 'delayed' | 'refused', reply: string): Handover {
  return { relay: 'letter', outcome, reply, noSuchMailbox: false, relayWorks: true, log: [] };
}
