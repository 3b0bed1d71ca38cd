import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from 'typeorm';

/** Written exactly so in the questions, too: an engine uses a partial index only where it recognises the condition. */
export const UNDELIVERED = "delivery_status IN ('failed', 'abandoned', 'suppressed', 'cancelled')";

/** Apps, their keys, links, and who gets no mail. Only types and index forms that SQLite and PostgreSQL share. */
export class Links1764000000000 implements MigrationInterface {
  // TypeORM orders migrations by the number at the end of this name.
  name = 'Links1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    const postgres = runner.connection.options.type === 'postgres';
    // Ids are ordered by their bytes, in every locale: "newer" and "since" are ranges of the key.
    const bytewise = { collation: postgres ? 'C' : 'BINARY' };
    const text = (name: string, more: Partial<TableColumnOptions> = {}): TableColumnOptions => ({
      name,
      type: 'text',
      ...more,
    });
    const time = (name: string, isNullable = true): TableColumnOptions => ({ name, type: 'bigint', isNullable });
    const flag = (name: string): TableColumnOptions => ({ name, type: 'integer' });
    const maybe = { isNullable: true };

    await runner.createTable(
      new Table({
        name: 'apps',
        columns: [
          text('id', { isPrimary: true }),
          text('name'),
          text('redirect_uris'),
          text('colour', maybe),
          text('logo', maybe),
          text('sender_name', maybe),
          text('sender_address', maybe),
          text('reply_to', maybe),
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'api_keys',
        columns: [
          text('id', { isPrimary: true }),
          text('app'),
          text('secret_hash'),
          text('scopes'),
          text('purposes', maybe),
          text('label'),
          time('created_at', false),
          time('expires_at'),
          time('revoked_at'),
          time('last_used_at'),
        ],
        indices: [{ name: 'api_keys_app', columnNames: ['app'] }],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'links',
        columns: [
          text('id', { isPrimary: true, ...bytewise }),
          text('kind'),
          text('app'),
          text('purpose'),
          text('subject'),
          text('recipient', maybe),
          text('recipient_key'),
          text('address_key', maybe),
          text('locale'),
          text('via'),
          flag('decoy'),
          flag('supersedes'),
          text('data'),
          text('template_data'),
          text('redirect_uri', maybe),
          text('fingerprint', maybe),
          text('code_challenge', maybe),
          text('idempotency_key', maybe),
          text('request_digest', maybe),
          time('created_at', false),
          flag('expires_in'),
          time('issued_at', false),
          time('expires_at', false),
          time('redeemed_at'),
          text('redeem_key', maybe),
          time('revoked_at'),
          time('closed_at'),
          time('opened_at'),
          time('reported_at'),
          text('renews', maybe),
          { ...flag('code_attempts'), default: 0 },
          text('delivery_status'),
          { ...flag('attempts'), default: 0 },
          time('due_at'),
          time('deliver_by'),
          text('lease', maybe),
          time('sent_at'),
          text('last_error', maybe),
          text('attempt_log', maybe),
          { ...flag('resends'), default: 0 },
          time('resent_at'),
          text('client_key', maybe),
          { ...flag('counted'), ...maybe },
        ],
        // What tells rows apart comes first: most tables hold the links of few apps.
        indices: [
          { name: 'links_subject', columnNames: ['subject', 'app', 'id'] },
          { name: 'links_recipient', columnNames: ['recipient_key', 'app', 'id'] },
          {
            name: 'links_idempotency',
            columnNames: ['idempotency_key', 'app'],
            isUnique: true,
            where: 'idempotency_key IS NOT NULL',
          },
          // Limits. What is never resent, and what no limit by client or app counts, is in none of these.
          { name: 'links_resent', columnNames: ['recipient_key', 'app', 'resent_at'], where: 'resent_at IS NOT NULL' },
          { name: 'links_client', columnNames: ['client_key', 'app', 'id'], where: 'client_key IS NOT NULL' },
          { name: 'links_counted', columnNames: ['app', 'id'], where: 'counted = 1' },
          // The outbox: only rows with a mail still to send are in it, so it stays as small as the queue is.
          { name: 'links_due', columnNames: ['due_at'], where: 'due_at IS NOT NULL' },
          // The dead letters: what did not reach anybody, for whoever looks after the mail.
          { name: 'links_undelivered', columnNames: ['app', 'id'], where: UNDELIVERED },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'suppressions',
        columns: [
          text('app', { isPrimary: true }),
          text('recipient_key', { isPrimary: true, ...bytewise }),
          text('purpose', { isPrimary: true, ...bytewise }),
          text('recipient'),
          text('reason'),
          time('created_at', false),
          time('until'),
        ],
        // Most hold until somebody lifts them, and are not in it.
        indices: [{ name: 'suppressions_until', columnNames: ['until'], where: 'until IS NOT NULL' }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('suppressions');
    await runner.dropTable('links');
    await runner.dropTable('api_keys');
    await runner.dropTable('apps');
  }
}
