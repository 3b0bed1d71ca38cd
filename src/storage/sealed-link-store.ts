import type { Link, LinkView, Message } from '../links/link.js';
import type {
  Fillings,
  LinkFilter,
  LinkStore,
  MintGuard,
  Page,
  RecipientKeys,
  Redemption,
} from '../links/link-store.js';
import type { DataKeys } from './data-keys.js';
import { blindKeys, bothForms, FOREIGN, isForeign, openLink, openView, openWhole, sealLink } from './sealed-rows.js';

/** How long a mail that this instance cannot open is left to the others, in ms. */
const LEFT_TO_OTHERS = 2_000;

/**
 * A link store in front of another one, which never sees whom a link is for. Without keys it seals nothing, and is there
 * because another instance may have some.
 */
export class SealedLinkStore implements LinkStore {
  constructor(
    private readonly inner: LinkStore,
    private readonly keys: DataKeys,
  ) {}

  insert(link: Link, guard: MintGuard): Promise<boolean | 'suppressed'> {
    return this.inner.insert(sealLink(this.keys, link), this.guardOf(guard));
  }

  async redeem(question: Redemption): Promise<LinkView | undefined> {
    // Nobody wins what these keys do not open.
    const won = await this.inner.redeem(question);
    return won && openView(this.keys, won);
  }

  hasRoomFor(write: 'mint' | 'redemption'): boolean {
    return this.inner.hasRoomFor(write);
  }

  tryCode(...question: Parameters<LinkStore['tryCode']>): Promise<boolean> {
    return this.inner.tryCode(...question);
  }

  async find(app: string, id: string): Promise<Link | undefined> {
    return openWhole(this.keys, await this.inner.find(app, id));
  }

  async wentTo(app: string, id: string, recipient: Required<RecipientKeys>): Promise<boolean> {
    for (const form of bothForms(this.keys, [recipient]) as Required<RecipientKeys>[])
      if (await this.inner.wentTo(app, id, form)) return true;
    return false;
  }

  async findByIdempotencyKey(app: string, key: string): Promise<Link | undefined> {
    return openWhole(this.keys, await this.inner.findByIdempotencyKey(app, key));
  }

  newerThan(link: Link): Promise<string | undefined> {
    return this.inner.newerThan(link);
  }

  releaseIdempotencyKey(app: string, key: string, before: number): Promise<void> {
    return this.inner.releaseIdempotencyKey(app, key, before);
  }

  async list(...[app, filter, page, now]: Parameters<LinkStore['list']>): Promise<Page<Link>> {
    const { items, nextCursor } = await this.inner.list(app, this.filterOf(filter), page, now);
    return { items: items.map((link) => openLink(this.keys, link)), nextCursor };
  }

  fillings(link: Link, guard: MintGuard, now: number): Promise<Fillings> {
    return this.inner.fillings(blindKeys(this.keys, link), this.guardOf(guard), now);
  }

  revoke(app: string, filter: LinkFilter & { id?: string }, now: number): Promise<number> {
    return this.inner.revoke(app, this.filterOf(filter), now);
  }

  markOpened(id: string, now: number): Promise<void> {
    return this.inner.markOpened(id, now);
  }

  markReported(id: string, now: number): Promise<void> {
    return this.inner.markReported(id, now);
  }

  requeue(link: Link, guard: MintGuard, times: { now: number; deliverBy: number }): Promise<boolean> {
    return this.inner.requeue(blindKeys(this.keys, link), guard, times);
  }

  async claimDue(lease: string, now: number, until: number, limit: number): Promise<Message[]> {
    const claimed = await this.inner.claimDue(lease, now, until, limit);
    const foreign = claimed.filter((message) => isForeign(this.keys, message));
    if (foreign.length === 0) return claimed.map((message) => openLink(this.keys, message));
    const later = { status: 'queued', dueAt: now + LEFT_TO_OTHERS, error: FOREIGN } as const;
    await Promise.all(foreign.map(({ id }) => this.inner.settle(id, lease, later)));
    return claimed.filter((message) => !foreign.includes(message)).map((message) => openLink(this.keys, message));
  }

  renewLease(id: string, lease: string, until: number): Promise<boolean> {
    return this.inner.renewLease(id, lease, until);
  }

  settle(...outcome: Parameters<LinkStore['settle']>): Promise<boolean> {
    return this.inner.settle(...outcome);
  }

  nextDue(): Promise<number | null> {
    return this.inner.nextDue();
  }

  sweep(...step: Parameters<LinkStore['sweep']>): Promise<string | null> {
    return this.inner.sweep(...step);
  }

  newestId(): Promise<string | undefined> {
    return this.inner.newestId();
  }

  private guardOf(guard: MintGuard): MintGuard {
    return guard.client === undefined ? guard : { ...guard, client: this.keys.blind(guard.client) };
  }

  private filterOf<Filter extends LinkFilter>(filter: Filter): Filter {
    return filter.recipients ? { ...filter, recipients: bothForms(this.keys, filter.recipients) } : filter;
  }
}
