import type { Message } from '../links/link.js';
import type { Page } from '../links/link-store.js';
import type { MessageFilter, MessageStore, Suppression } from '../links/message-store.js';
import { addressKey, recipientKey } from '../links/recipient.js';
import { DataKeys } from './data-keys.js';
import { bothForms, openLink, openWhole } from './sealed-rows.js';
import type { SqlMessageStore } from './sql-message-store.js';

/** What `SealedLinkStore` is to links. */
export class SealedMessageStore implements MessageStore {
  constructor(
    private readonly inner: SqlMessageStore,
    private readonly keys: DataKeys,
  ) {}

  async find(app: string, id: string): Promise<Message | undefined> {
    return openWhole(this.keys, await this.inner.find(app, id));
  }

  async list(app: string, filter: MessageFilter, page: { limit: number; after?: string }): Promise<Page<Message>> {
    const recipients = filter.recipients && bothForms(this.keys, filter.recipients);
    const { items, nextCursor } = await this.inner.list(app, { ...filter, recipients }, page);
    return { items: items.map((message) => openLink(this.keys, message)), nextCursor };
  }

  requeue(app: string, id: string, times: { now: number; deliverBy: number }): Promise<boolean> {
    return this.inner.requeue(app, id, times);
  }

  cancel(app: string, id: string): Promise<boolean> {
    return this.inner.cancel(app, id);
  }

  async markBounced(app: string, id: string, mailbox: string, error: string): Promise<boolean> {
    for (const { key } of bothForms(this.keys, [{ key: mailbox }]))
      if (await this.inner.markBounced(app, id, key, error)) return true;
    return false;
  }

  async suppress(suppression: Suppression): Promise<void> {
    await this.seal(suppression);
    await this.rekeyLinks(suppression.app, [suppression.recipient]);
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

  /**
   * Seals what was suppressed before there were keys, or beside them: nobody may be mailed again because of them. What was
   * plain goes last, so that there is no moment at which a link finds neither form.
   */
  async adopt(app: string): Promise<void> {
    const plain = new Set<string>();
    for await (const page of this.pages(app)) {
      for (const suppression of page.filter(({ recipient }) => !DataKeys.isSealed(recipient))) {
        const sealed = await this.seal({ ...suppression, recipientKey: keyOf(suppression.recipient) });
        if (sealed !== suppression.recipientKey) plain.add(suppression.recipientKey);
      }
    }
    for await (const page of this.pages(app)) {
      const recipients = page.map((row) => this.keys.open(row.recipient, placeOf(row)));
      await this.rekeyLinks(
        app,
        recipients.filter((recipient) => recipient !== undefined),
      );
    }
    for (const key of plain) await this.inner.lift(app, [key]);
  }

  private async *pages(app: string): AsyncGenerator<Suppression[]> {
    for (let after: readonly [string, string] | undefined; ;) {
      const page = await this.inner.listSuppressions(app, {}, { limit: 200, after });
      const last = page.at(-1);
      if (!last) return;
      yield page;
      after = [last.recipientKey, last.purpose];
    }
  }

  /** @returns the key under which it stands */
  private async seal(suppression: Suppression): Promise<string> {
    const { app, purpose, recipient } = suppression;
    const blind = this.keys.blind(suppression.recipientKey);
    const place = placeOf({ app, purpose, recipientKey: blind });
    await this.inner.suppress({ ...suppression, recipientKey: blind, recipient: this.keys.seal(recipient, place) });
    return blind;
  }

  /** A link from before there were keys may be sent once more, and is found by what its recipient's suppressions say. */
  private async rekeyLinks(app: string, recipients: readonly string[]): Promise<void> {
    if (this.keys.areNone || recipients.length === 0) return;
    await this.inner.rekey(app, recipients.map(recipientKey), (key) => this.keys.blind(key));
  }

  private blinded(keys: readonly (string | null)[]): (string | null)[] {
    return keys.map((key) => (key === null ? null : this.keys.blind(key)));
  }
}

function keyOf(recipient: string): string {
  return addressKey(recipient) ?? recipientKey(recipient);
}

function placeOf({ app, recipientKey, purpose }: Pick<Suppression, 'app' | 'recipientKey' | 'purpose'>): string {
  return `suppression ${app} ${recipientKey} ${purpose}`;
}
