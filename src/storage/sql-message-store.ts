import type { Message } from '../links/link.js';
import type { MessageFilter, MessageStore, Suppression } from '../links/message-store.js';
import type { Database } from './engines.js';
import { toMessage, type MessageRow } from './link-rows.js';
import { MESSAGE_STATEMENTS as SQL } from './message-statements.js';
import { Queries } from './queries.js';
import { recipientIs } from './recipient-condition.js';

type SuppressionRow = Record<'app' | 'recipient_key' | 'purpose' | 'recipient' | 'reason', string> & {
  created_at: string | number;
  until: string | number | null;
};

/** Sorts after every id. */
const LAST = '~';

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

  async list(app: string, filter: MessageFilter, page: { limit: number; after?: string }): Promise<Message[]> {
    const values: unknown[] = [app, page.after ?? LAST];
    const conditions = filter.status ? [SQL.status(filter.status)] : [];
    if (filter.recipients) conditions.push(recipientIs(filter.recipients, values));
    const sql = `${SQL.list(conditions.join(' '))}$${values.push(page.limit)}`;
    return (await this.queries.rows<MessageRow>(sql, values)).map(toMessage);
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

  private async changed(sql: string, values: unknown[]): Promise<boolean> {
    return (await this.queries.rows(sql, values)).length > 0;
  }
}
