import type { App } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { NotFound, RequestInvalid } from './errors.js';
import { ended } from './judgement.js';
import type { Message } from './link.js';
import type { Page } from './link-store.js';
import { EVERY_PURPOSE, type MessageStore, type Suppression } from './message-store.js';
import type { AnyPurpose } from './purpose.js';
import { addressKey, parseRecipient, recipientKey } from './recipient.js';
import { bounceRequest, listMessagesRequest, listSuppressionsRequest, parseRequest, requireId } from './requests.js';

export interface Bounced {
  /** the recipient as it is stored */
  readonly recipient: string;
  readonly suppressed: boolean;
  /** the id of the message that is marked as failed */
  readonly message: string | null;
}

/** What an app can see and do of its mail: whether it left, why not, and who gets none. */
export class Messages {
  /** @param onQueued called when a mail was queued, so that the courier need not poll */
  constructor(
    private readonly store: MessageStore,
    private readonly purposes: ReadonlyMap<string, AnyPurpose>,
    private readonly clock: Clock,
    private readonly onQueued: () => void = () => {},
  ) {}

  /** @returns a page of the app's messages, newest first. @throws RequestInvalid */
  async list(app: App, input: unknown): Promise<Page<Message>> {
    const { limit = 50, cursor, status, recipient } = parseRequest(listMessagesRequest, input);
    const address = recipient === undefined ? undefined : addressOf(recipient);
    const filter = { status, ...(address && { recipients: [{ key: address.key, addressKey: address.tagged }] }) };
    return this.store.list(app.id, filter, { limit, after: cursor });
  }

  /** @throws NotFound */
  async get(app: App, id: string): Promise<Message> {
    requireId(id, new NotFound('message'));
    const message = await this.store.find(app.id, id);
    if (!message) throw new NotFound('message');
    return message;
  }

  /**
   * Sends a mail that came to nothing after all, with the same Message-ID unless it had left and came back. A link that
   * was never handed over begins its life now. @throws NotFound, RequestInvalid, the refusal of a link that has ended
   */
  async requeue(app: App, id: string): Promise<Message> {
    const now = this.clock();
    const message = await this.get(app, id);
    const deliverWithin = this.purposes.get(message.purpose)?.deliverWithin ?? message.expiresIn;
    if (await this.store.requeue(app.id, id, { now, deliverBy: now + deliverWithin * 1000 })) {
      this.onQueued();
      return this.get(app, id);
    }
    const { delivery } = message;
    if (delivery.status === 'sent' || delivery.dueAt !== null)
      throw cannot(`the mail is ${delivery.status}; only one that came to nothing can be queued once more`);
    // What was never handed over has not lived, so it cannot have expired.
    const life = delivery.sentAt === null ? { ...message, expiresAt: Infinity } : message;
    throw ended(life, now) ?? cannot('the recipient is suppressed, or forgotten since the link ended');
  }

  /** Keeps a mail that waits from being sent; its link stays as it is. @throws NotFound, RequestInvalid */
  async cancel(app: App, id: string): Promise<Message> {
    requireId(id, new NotFound('message'));
    const cancelled = await this.store.cancel(app.id, id);
    const message = await this.get(app, id);
    if (cancelled || message.delivery.status === 'cancelled') return message;
    throw cannot(`the mail is ${message.delivery.status}; only one that waits can be cancelled`);
  }

  /**
   * What the mail provider tells the app. A hard bounce and a complaint suppress the recipient; a soft one changes
   * nothing. @throws RequestInvalid
   */
  async bounce(app: App, input: unknown): Promise<Bounced> {
    const { recipient, kind, messageId } = parseRequest(bounceRequest, input);
    const { address, key, tagged } = addressOf(recipient);
    if (kind === 'soft') return { recipient: address, suppressed: false, message: null };
    await this.store.suppress({
      app: app.id,
      recipientKey: tagged ?? key,
      purpose: EVERY_PURPOSE,
      recipient: address,
      reason: kind === 'hard' ? 'bounced' : 'complained',
      createdAt: this.clock(),
      until: null,
    });
    const [, id] = /^<?([A-Za-z0-9_-]{30})(?:\.\d+)?(?:@[^@>]*)?>?$/.exec(messageId ?? '') ?? [];
    const known = id !== undefined && kind === 'hard';
    const marked = known && (await this.store.markBounced(app.id, id, key, 'the mail came back (hard bounce)'));
    return { recipient: address, suppressed: true, message: marked ? id : null };
  }

  /** @returns a page of the app's suppressions. @throws RequestInvalid */
  async listSuppressions(app: App, input: unknown): Promise<{ items: Suppression[]; nextCursor: string | null }> {
    const { limit = 50, cursor, recipient } = parseRequest(listSuppressionsRequest, input);
    const address = recipient === undefined ? undefined : addressOf(recipient);
    const after = cursor?.split('.') as [string, string] | undefined;
    const filter = address ? { keys: [address.key, address.tagged] } : {};
    const page = await this.store.listSuppressions(app.id, filter, { limit: limit + 1, after });
    const items = page.slice(0, limit);
    const last = items.at(-1);
    return { items, nextCursor: page.length > limit ? `${last!.recipientKey}.${last!.purpose}` : null };
  }

  /** Lets mail go to a recipient again. @returns how many suppressions were lifted. @throws RequestInvalid */
  async lift(app: App, recipient: string): Promise<number> {
    const { key, tagged } = addressOf(recipient);
    return this.store.lift(app.id, [key, tagged]);
  }
}

function addressOf(text: string): { address: string; key: string; tagged: string | null } {
  const address = parseRecipient(text);
  if (!address) throw RequestInvalid.at('/recipient', 'must be one plain mailbox address, like ann@example.com');
  return { address, key: recipientKey(address), tagged: addressKey(address) };
}

function cannot(reason: string): RequestInvalid {
  return RequestInvalid.at('', `cannot be done: ${reason}`);
}
