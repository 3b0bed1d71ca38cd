import type { DeliveryStatus, Message } from '../links/link.js';
import type { Page } from '../links/link-store.js';
import type { MessageFilter, MessageStore, Suppression } from '../links/message-store.js';
import type { Database } from './engines.js';
import { toMessage, type MessageRow } from './link-rows.js';
import { MESSAGE_STATEMENTS as SQL } from './message-statements.js';
import { UNDELIVERED } from './migrations/1764000000000-links.js';
import { NO_STOP, pageOf, stopsAmong } from './list-pages.js';
import { Queries } from './queries.js';
import { recipientIs } from './recipient-condition.js';

type SuppressionRow = Record<'app' | 'recipient_key' | 'purpose' | 'recipient' | 'reason', string> & {
  created_at: string | number;
  until: string | number | null;
};
type AddressRow = { recipient_key: string; address_key: string | null };

const WAITING: readonly (DeliveryStatus | undefined)[] = ['queued', 'sending'];
const DEAD: readonly (DeliveryStatus | undefined)[] = ['failed', 'abandoned', 'suppressed', 'cancelled'];

/** Messages and suppressions on TypeORM. */
export class SqlMessageStore implements MessageStore {
  private readonly queries: Queries;

  constructor(database: Database) {
    this.queries = new Queries(database);
  }

  async find(app: string, id: string): Promise<Message | undefined> {
    const [row] = await this.queries.rows<MessageRow>(SQL.find, [app, id]);
    return row && toMessage(row);
  }

  async list(...[app, filter, page]: Parameters<MessageStore['list']>): Promise<Page<Message>> {
    const { status, recipients } = filter;
    const given: unknown[] = [app, '', ''];
    const conditions = [
      ...(status ? [`AND l.delivery_status = $${given.push(status)}`] : []),
      // Written out for its index.
      ...(DEAD.includes(status) ? [`AND ${UNDELIVERED}`] : []),
      ...(recipients ? [recipientIs(recipients, given)] : []),
    ];
    const { from, stops } = await this.fieldOf(app, filter);
    const sql = `${SQL.list(conditions.join(' '), from)}$${given.length + 1}`;
    return pageOf(page, stops, async ({ after, stop, count, deadline }) => {
      const values = [app, after, stop, ...given.slice(3), count];
      return (await this.queries.rows<MessageRow>(sql, values, deadline)).map(toMessage);
    });
  }

  /** In what a page looks, and where it pauses; one mailbox has no more mails than its limits permit. */
  private async fieldOf(app: string, { status, recipients }: MessageFilter) {
    if (recipients) return { stops: NO_STOP };
    if (WAITING.includes(status) && (await this.queries.rows(SQL.isLongQueue, [])).length === 0)
      return { from: SQL.queue, stops: NO_STOP };
    if (DEAD.includes(status)) return { stops: stopsAmong(this.queries, `AND l.app = $2 AND ${UNDELIVERED}`, [app]) };
    return { stops: stopsAmong(this.queries) };
  }

  async requeue(app: string, id: string, times: { now: number; deliverBy: number }): Promise<boolean> {
    return this.changed(SQL.requeue, [times.now, times.deliverBy, app, id]);
  }

  async cancel(app: string, id: string): Promise<boolean> {
    return this.changed(SQL.cancel, [app, id]);
  }

  async markBounced(app: string, id: string, recipientKey: string, error: string): Promise<boolean> {
    return this.changed(SQL.markBounced, [error, app, id, recipientKey]);
  }

  async suppress({ app, recipientKey, purpose, recipient, reason, createdAt, until }: Suppression): Promise<void> {
    await this.queries.rows(SQL.suppress, [app, recipientKey, purpose, recipient, reason, createdAt, until]);
  }

  async lift(app: string, keys: readonly (string | null)[]): Promise<number> {
    return (await this.queries.rows(SQL.lift, [app, keys[0], keys[1] ?? null])).length;
  }

  async listSuppressions(
    app: string,
    { keys }: { keys?: readonly (string | null)[] },
    { limit, after = ['', ''] }: { limit: number; after?: readonly [string, string] },
  ): Promise<Suppression[]> {
    const values: unknown[] = [app, ...after];
    const only = keys ? `AND recipient_key IN ($${values.push(keys[0])}, $${values.push(keys[1] ?? null)})` : '';
    const sql = `${SQL.listSuppressions(only)}$${values.push(limit)}`;
    return (await this.queries.rows<SuppressionRow>(sql, values)).map((row) => ({
      app: row.app,
      recipientKey: row.recipient_key,
      purpose: row.purpose,
      recipient: row.recipient,
      reason: row.reason as Suppression['reason'],
      createdAt: Number(row.created_at),
      until: row.until === null ? null : Number(row.until),
    }));
  }

  async forgetSuppressions(before: number): Promise<void> {
    await this.queries.rows(SQL.forgetSuppressions, [before]);
  }

  /** Gives the links to these mailboxes, with every tag, other keys; a link that has them already stays as it is. */
  async rekey(app: string, mailboxes: readonly string[], rename: (key: string) => string): Promise<void> {
    const values: unknown[] = [app];
    const sql = SQL.addresses(mailboxes.map((key) => `$${values.push(key)}`).join(', '));
    for (const { recipient_key: key, address_key: tagged } of await this.queries.rows<AddressRow>(sql, values))
      await this.queries.rows(SQL.rekey, [rename(key), tagged && rename(tagged), app, key, tagged]);
  }

  private async changed(sql: string, values: unknown[]): Promise<boolean> {
    return (await this.queries.rows(sql, values)).length > 0;
  }
}
