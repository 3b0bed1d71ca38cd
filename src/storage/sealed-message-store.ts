import type { Message } from '../links/link.js';
import type { MessageFilter, MessageStore, Suppression } from '../links/message-store.js';
import { DataKeys } from './data-keys.js';
import { bothForms, openLink } from './sealed-rows.js';

/** What `SealedLinkStore` is to links. */
export class SealedMessageStore implements MessageStore {
  constructor(
    private readonly inner: MessageStore,
    private readonly keys: DataKeys,
  ) {}

  async find(app: string, id: string): Promise<Message | undefined> {
    const message = await this.inner.find(app, id);
    return message && openLink(this.keys, message);
  }

  async list(app: string, filter: MessageFilter, page: { limit: number; after?: string }): Promise<Message[]> {
    const recipients = filter.recipients && bothForms(this.keys, filter.recipients);
    const messages = await this.inner.list(app, { ...filter, recipients }, page);
    return messages.map((message) => openLink(this.keys, message));
  }

  requeue(app: string, id: string, times: { now: number; deliverBy: number }): Promise<boolean> {
    return this.inner.requeue(app, id, times);
  }

  cancel(app: string, id: string): Promise<boolean> {
    return this.inner.cancel(app, id);
  }

  async markBounced(app: string, id: string, recipientKey: string, error: string): Promise<boolean> {
    const blind = await this.inner.markBounced(app, id, this.keys.blind(recipientKey), error);
    return blind || this.inner.markBounced(app, id, recipientKey, error);
  }

  suppress(suppression: Suppression): Promise<void> {
    const { app, purpose, recipient } = suppression;
    const recipientKey = this.keys.blind(suppression.recipientKey);
    const place = placeOf({ app, purpose, recipientKey });
    return this.inner.suppress({ ...suppression, recipientKey, recipient: this.keys.seal(recipient, place) });
  }

  lift(app: string, keys: readonly (string | null)[]): Promise<number> {
    return this.inner.lift(app, this.blinded(keys));
  }

  async listSuppressions(
    ...[app, { keys }, page]: Parameters<MessageStore['listSuppressions']>
  ): Promise<Suppression[]> {
    const rows = await this.inner.listSuppressions(app, { keys: keys && this.blinded(keys) }, page);
    return rows.map((row) => ({ ...row, recipient: this.keys.open(row.recipient, placeOf(row)) ?? '' }));
  }

  forgetSuppressions(before: number): Promise<void> {
    return this.inner.forgetSuppressions(before);
  }

  /** Seals what was suppressed before there were keys: nobody may be mailed again because of them. */
  async adopt(app: string): Promise<void> {
    const plain: Suppression[] = [];
    for (let after: readonly [string, string] | undefined; ;) {
      const page = await this.inner.listSuppressions(app, {}, { limit: 200, after });
      plain.push(...page.filter(({ recipient }) => !DataKeys.isSealed(recipient)));
      const last = page.at(-1);
      if (!last) break;
      after = [last.recipientKey, last.purpose];
    }
    for (const suppression of plain) await this.suppress(suppression);
    for (const { recipientKey } of plain) await this.inner.lift(app, [recipientKey]);
  }

  private blinded(keys: readonly (string | null)[]): (string | null)[] {
    return keys.map((key) => (key === null ? null : this.keys.blind(key)));
  }
}

function placeOf({ app, recipientKey, purpose }: Pick<Suppression, 'app' | 'recipientKey' | 'purpose'>): string {
  return `suppression ${app} ${recipientKey} ${purpose}`;
}
