import type { App } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { draftNotification } from './draft.js';
import { RequestInvalid } from './errors.js';
import type { Limits } from './limits.js';
import type { Link } from './link.js';
import type { LinkIds } from './link-ids.js';
import type { LinkStore } from './link-store.js';
import { insertOnce } from './minting.js';
import type { NotificationPurpose } from './purpose.js';
import { notificationRequest, parseRequest } from './requests.js';

/** Mails without a link, which tell what has happened. They go out as links do: one durable row, the same courier. */
export class Notifications {
  /** @param onQueued called when a mail was queued, so that the courier need not poll */
  constructor(
    private readonly store: LinkStore,
    private readonly purposes: ReadonlyMap<string, NotificationPurpose>,
    private readonly limits: Limits,
    private readonly ids: LinkIds,
    private readonly clock: Clock,
    private readonly onQueued: () => void = () => {},
  ) {}

  /**
   * @returns the row, and whether it is the first answer to the same Idempotency-Key, given again
   * @throws RequestInvalid, RateLimited, IdempotencyMismatch, Unavailable
   */
  async send(app: App, input: unknown, idempotencyKey?: string): Promise<{ link: Link; replayed: boolean }> {
    const request = parseRequest(notificationRequest, input);
    const purpose = this.purposes.get(request.purpose);
    if (!purpose) throw RequestInvalid.at('/purpose', `must be one of the notifications: ${this.names()}`);
    const now = this.clock();
    const sent = await insertOnce(
      this.store,
      this.ids,
      (id) => draftNotification(app, purpose, request, { id, now, idempotencyKey }),
      (row) => this.limits.forMint(purpose, row),
    );
    if (!sent.replayed && sent.link.delivery.dueAt !== null) this.onQueued();
    return sent;
  }

  private names(): string {
    return [...this.purposes.keys()].join(', ') || 'none is configured';
  }
}
