import type { Attempt, Link, LinkView, Message } from '../links/link.js';
import { LinkIds } from '../links/link-ids.js';
import type {
  Fillings,
  LinkFilter,
  LinkStore,
  MintGuard,
  Page,
  RecipientKeys,
  Redemption,
  Settlement,
} from '../links/link-store.js';
import type { Database } from './engines.js';
import { GroupCommit, type Write } from './group-commit.js';
import { conditionsOf } from './link-conditions.js';
import { linkStatements, RESENT_BY } from './link-statements.js';
import {
  cellsOf,
  time,
  toLink,
  toMessage,
  toNewRow,
  toQuestionRow,
  toView,
  unpack,
  type LinkRow,
  type MessageRow,
  type PackedRow,
  type SelectedRow,
} from './link-rows.js';
import { contentions, isPlain, toCountedRow, toGuardRow, toMoreGuardRow, toWindowRows } from './limit-rows.js';
import { COUNTED_BY } from './limit-statements.js';
import { LAST, NO_STOP, pageOf, stopsAmong } from './list-pages.js';
import { Queries } from './queries.js';

/** An attempt's outcome, in the statement's words. */
type Outcome = Record<'wanted' | 'fence' | 'new_status', string> &
  Record<'new_due' | 'new_sent', number | null> &
  Record<'new_error' | 'new_log', string | null>;

/** The link store on TypeORM. Concurrent mints and concurrent redemptions share one statement and one flush each. */
export class SqlLinkStore implements LinkStore {
  private readonly queries: Queries;
  private readonly lock: string | null;
  private readonly sql: ReturnType<typeof linkStatements>;
  private readonly insertInBatch: Write<{ link: Link; guard: MintGuard }, boolean | 'suppressed'>;
  private readonly redeemInBatch: Write<Redemption, LinkView | undefined>;
  private readonly settleInBatch: Write<Outcome, boolean>;

  /** @param sql they know the keys of whoever opens what is redeemed here: what others sealed is not */
  constructor(database: Database, groups = new GroupCommit(), sql = linkStatements(database.dialect)) {
    this.queries = new Queries(database);
    this.lock = database.dialect.lock;
    this.sql = sql;
    // Redemptions before mints, in turn and when there is too much of both: somebody is waiting in front of a page.
    this.redeemInBatch = groups.lane({
      longestWait: 1_500,
      keys: (question) => [question.id],
      isFinal: (link) => link !== undefined,
      run: (batch, deadline) => this.runRedeem(batch, deadline),
    });
    this.insertInBatch = groups.lane({
      longestWait: 900,
      keys: ({ link, guard }) => contentions(link, guard),
      run: (batch, deadline) => this.runInsert(batch, deadline),
    });
    this.settleInBatch = groups.lane({
      keys: ({ wanted }) => [wanted],
      run: (batch, deadline) => this.runSettle(batch, deadline),
    });
  }

  insert(link: Link, guard: MintGuard): Promise<boolean | 'suppressed'> {
    return this.insertInBatch({ link, guard });
  }

  redeem(question: Redemption): Promise<LinkView | undefined> {
    return this.redeemInBatch(question);
  }

  hasRoomFor(write: 'mint' | 'redemption'): boolean {
    return (write === 'mint' ? this.insertInBatch : this.redeemInBatch).hasRoom();
  }

  async tryCode(
    app: string,
    id: string,
    purpose: string,
    { right, most }: { right: boolean; most: number },
  ): Promise<boolean> {
    return (await this.queries.rows(this.sql.tryCode, [Number(!right), app, id, purpose, most])).length > 0;
  }

  async find(app: string, id: string): Promise<Link | undefined> {
    return this.one(this.sql.find, [app, id]);
  }

  async wentTo(app: string, id: string, recipient: Required<RecipientKeys>): Promise<boolean> {
    const link = await this.find(app, id);
    return link !== undefined && link.recipientKey === recipient.key && link.addressKey === recipient.addressKey;
  }

  async findByIdempotencyKey(app: string, key: string): Promise<Link | undefined> {
    return this.one(this.sql.findByIdempotencyKey, [app, key]);
  }

  async newerThan({ app, subject, purpose, id, decoy }: Link): Promise<string | undefined> {
    const [newest] = await this.queries.rows<{ id: string | null }>(this.sql.newest, [
      app,
      subject,
      purpose,
      id,
      Number(decoy),
    ]);
    return newest?.id ?? undefined;
  }

  async releaseIdempotencyKey(app: string, key: string, before: number): Promise<void> {
    await this.queries.rows(this.sql.releaseIdempotencyKey, [app, key, before]);
  }

  async list(...[app, filter, page, now]: Parameters<LinkStore['list']>): Promise<Page<Link>> {
    const given: unknown[] = [app, '', ''];
    const conditions = conditionsOf(this.sql, filter, given, now);
    const sql = `${this.sql.list(conditions)}$${given.length + 1}`;
    return pageOf(page, this.stopsOf(app, filter), async ({ after, stop, count, deadline }) => {
      const values = [app, after, stop, ...given.slice(3), count];
      const rows = await this.queries.rows<SelectedRow>(sql, values, deadline);
      return rows.map((row) => toLink(cellsOf(row)));
    });
  }

  async fillings(link: Link, guard: MintGuard, now: number): Promise<Fillings> {
    const { app, kind, purpose, subject, recipientKey } = link;
    const { quietSince, client = '' } = guard;
    const windows = guard.windows.map((): number | null => null);
    const keys = { recipient: recipientKey, subject, client, app: '', service: '' };
    for (const by of COUNTED_BY) {
      const asked = toWindowRows(guard.windows, by, now);
      if (asked.length === 0) continue;
      const values = [app, kind, keys[by], now, JSON.stringify(asked)];
      for (const { nth, at } of await this.queries.rows<{ nth: number; at: string | number | null }>(
        this.sql.fillings[by],
        values,
      ))
        windows[nth] = time(at);
    }
    if (quietSince === null) return { lastMail: null, windows };
    const values = [app, kind, purpose, recipientKey, now, quietSince, LinkIds.floor(quietSince)];
    const [mail] = await this.queries.rows<{ at: string | number | null }>(this.sql.lastMail, values);
    return { lastMail: time(mail!.at), windows };
  }

  async revoke(app: string, filter: LinkFilter & { id?: string }, now: number): Promise<number> {
    const all: unknown[] = [now, app];
    await this.queries.rows(this.sql.close(conditionsOf(this.sql, { ...filter, status: undefined }, all, now)), all);
    const values: unknown[] = [now, app];
    const conditions = conditionsOf(this.sql, filter, values, now);
    return (await this.queries.rows(this.sql.revoke(conditions), values)).length;
  }

  async markOpened(id: string, now: number): Promise<void> {
    await this.queries.rows(this.sql.markOpened, [now, id]);
  }

  async markReported(id: string, now: number): Promise<void> {
    await this.queries.rows(this.sql.markReported, [now, id]);
  }

  async requeue(link: Link, guard: MintGuard, times: { now: number; deliverBy: number }): Promise<boolean> {
    const { app, id } = link;
    const { now, deliverBy } = times;
    const resend = { by_app: app, wanted: id, moment: now, until: deliverBy };
    const values = [
      JSON.stringify([{ ...resend, ...toGuardRow(guard, now), ...toMoreGuardRow(guard, RESENT_BY, now) }]),
    ];
    const keys = contentions(link, guard);
    return (await this.queries.rowsUnder(this.lock, [JSON.stringify(keys)], this.sql.requeue, values)).length > 0;
  }

  async claimDue(lease: string, now: number, until: number, limit: number): Promise<Message[]> {
    return (await this.queries.rows<MessageRow>(this.sql.claimDue, [lease, now, until, limit])).map(toMessage);
  }

  async renewLease(id: string, lease: string, until: number): Promise<boolean> {
    return (await this.queries.rows(this.sql.renewLease, [until, id, lease])).length > 0;
  }

  settle(id: string, lease: string, outcome: Settlement, log: readonly Attempt[] = []): Promise<boolean> {
    return this.settleInBatch({
      wanted: id,
      fence: lease,
      new_status: outcome.status,
      new_due: outcome.status === 'queued' ? outcome.dueAt : null,
      new_sent: outcome.status === 'sent' ? outcome.at : null,
      new_error: outcome.status === 'sent' ? null : outcome.error,
      new_log: log.length > 0 ? JSON.stringify(log) : null,
    });
  }

  async nextDue(): Promise<number | null> {
    const [row] = await this.queries.rows<{ due_at: string | number | null }>(this.sql.nextDue, []);
    return time(row!.due_at);
  }

  async sweep(
    after: string,
    { wipeBefore, deleteBefore, now }: { wipeBefore: number; deleteBefore: number; now: number },
    limit: number,
  ): Promise<string | null> {
    // What lies between is too young. Behind it there is something only if a clock was ahead, for ids go on from there:
    // what has ended is known by its times.
    const ahead = LinkIds.floor(2 * now - wipeBefore);
    const ranges = [
      [after, LinkIds.floor(wipeBefore)],
      [after > ahead ? after : ahead, LAST],
    ] as const;
    for (const [from, to] of ranges) {
      const [batch] = await this.queries.rows<{ id: string | null; n: string | number | null }>(this.sql.sweepEnd, [
        from,
        to,
        limit,
      ]);
      if (batch!.id === null) continue;
      await this.queries.rows(this.sql.delete, [from, batch!.id, deleteBefore, now]);
      await this.queries.rows(this.sql.wipe, [from, batch!.id, wipeBefore]);
      // Whatever is minted from now on may lie behind this, and there would always be more.
      return to === LAST && Number(batch!.n) < limit ? null : batch!.id;
    }
    return null;
  }

  async newestId(): Promise<string | undefined> {
    const [row] = await this.queries.rows<{ id: string | null }>(this.sql.newestId, []);
    return row?.id ?? undefined;
  }

  private async runInsert(
    batch: readonly { link: Link; guard: MintGuard }[],
    deadline: number,
  ): Promise<(boolean | 'suppressed')[]> {
    const plain = batch.every(({ guard }) => isPlain(guard));
    const rows = batch.map(({ link, guard }) => {
      const row = toNewRow(link, toGuardRow(guard, link.createdAt));
      if (plain) return row;
      return Object.assign(row, toMoreGuardRow(guard, COUNTED_BY, link.createdAt), toCountedRow(guard));
    });
    const keys = this.lock === null ? [] : batch.flatMap(({ link, guard }) => contentions(link, guard));
    const { sql, text } = plain ? this.sql.insert : this.sql.insertCounted;
    const values = [text(rows)];
    const inserted = await this.queries.rowsUnder<LinkRow>(this.lock, [JSON.stringify(keys)], sql, values, deadline);
    const delivery = new Map(inserted.map((row) => [row.id, row.delivery_status]));
    return batch.map(({ link }) => (delivery.get(link.id) === 'suppressed' ? 'suppressed' : delivery.has(link.id)));
  }

  private async runSettle(batch: readonly Outcome[], deadline: number): Promise<boolean[]> {
    const { sql, text } = this.sql.settle;
    const settled = await this.queries.rows<LinkRow>(sql, [text(inOrder(batch))], deadline);
    const ids = new Set(settled.map(({ id }) => id));
    return batch.map(({ wanted }) => ids.has(wanted));
  }

  private async runRedeem(batch: readonly Redemption[], deadline: number): Promise<(LinkView | undefined)[]> {
    const { sql, text } = this.sql.redeem;
    const rows = await this.queries.rows<{ packed: PackedRow }>(
      sql,
      [text(inOrder(batch.map(toQuestionRow)))],
      deadline,
    );
    const links = rows.map(({ packed }) => toView(unpack(packed)));
    const won = new Map(links.map((link) => [link.id, link]));
    return batch.map(({ id }) => won.get(id));
  }

  private async one(sql: string, values: unknown[]): Promise<Link | undefined> {
    const [row] = await this.queries.rows<SelectedRow>(sql, values);
    return row && toLink(cellsOf(row));
  }

  /** Where a page pauses; one mailbox has no more links than its limits permit. */
  private stopsOf(app: string, { subject, recipients }: LinkFilter) {
    if (subject !== undefined) return stopsAmong(this.queries, 'AND l.app = $2 AND l.subject = $3', [app, subject]);
    return recipients ? NO_STOP : stopsAmong(this.queries);
  }
}

/**
 * A statement locks its rows in the order of its batch. In one order everywhere, so that two instances whose batches
 * have links in common cannot wait for each other in a ring.
 */
function inOrder<Item extends { readonly wanted: string }>(batch: readonly Item[]): Item[] {
  return [...batch].sort((one, other) => (one.wanted < other.wanted ? -1 : 1));
}
