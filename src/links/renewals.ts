import type { App } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { draftRenewal } from './draft.js';
import { LinkExpired, LinkSuperseded, Refusal, TokenInvalid, Unavailable } from './errors.js';
import { endedFor, readProven } from './judgement.js';
import type { Limits } from './limits.js';
import type { Link } from './link.js';
import type { LinkIds } from './link-ids.js';
import type { LinkStore } from './link-store.js';
import type { Links } from './links.service.js';
import { insertOnce } from './minting.js';
import type { Purpose } from './purpose.js';
import type { Tokens } from './tokens.js';

/**
 * "Send me a new one", for whoever holds a link that has run out. It goes to where that one went, within the limits of a
 * mint. Robots press the button, too: whatever is still good stays good.
 */
export class Renewals {
  constructor(
    private readonly store: LinkStore,
    private readonly tokens: Tokens,
    private readonly purposes: ReadonlyMap<string, Purpose>,
    private readonly limits: Limits,
    private readonly ids: LinkIds,
    private readonly clock: Clock,
    private readonly links: Links,
    private readonly onQueued: () => void,
  ) {}

  /** Whether a link's page may offer it. Not once the recipient is forgotten, a day after the link's end. */
  isOffered(refusal: unknown, link: Link): boolean {
    const ranOut = refusal instanceof LinkExpired || refusal instanceof LinkSuperseded;
    if (!ranOut || link.closedAt !== null) return false;
    return link.via === 'email' && link.recipient !== null && this.purposes.get(link.purpose)!.renew;
  }

  /**
   * Sends a new link, or the newest one again if that is still good. Whether a limit held it back is not told.
   * @param clientIp the address of whoever presses the button
   * @returns the link of the page, and whether it is still good itself, so that there was nothing to do
   * @throws TokenInvalid, the refusal of a link that is not to be renewed, Unavailable
   */
  async renew(token: string, id: string, clientIp: string): Promise<{ link: Link; isGood: boolean }> {
    const proof = this.tokens.readLink(token);
    if (proof.id !== id) throw new TokenInvalid();
    const link = await readProven(this.store, proof);
    const refusal = endedFor(proof, link, this.clock());
    if (!refusal) return { link, isGood: true };
    if (!this.isOffered(refusal, link)) throw Object.assign(refusal, { link });
    await this.send(link, clientIp).catch(unlessRefused);
    return { link, isGood: false };
  }

  private async send(link: Link, clientIp: string): Promise<void> {
    const { app, subject, purpose } = link;
    const now = this.clock();
    const { items } = await this.store.list(app, { subject, purpose, status: 'active' }, { limit: 1 }, now);
    const [newest] = items;
    if (newest) {
      // What the app handed over itself, or mailed elsewhere since, is not ours to repeat, and a new one would end it.
      const isHere = newest.via === 'email' && newest.recipientKey === link.recipientKey;
      if (isHere) await this.links.resend({ id: app } as App, newest.id);
      return;
    }
    const policy = this.purposes.get(purpose)!;
    const minted = await insertOnce(
      this.store,
      this.ids,
      (id) => draftRenewal(link, policy, { id, now }),
      (row) => this.limits.forMint(policy, row, clientIp),
    );
    if (minted.link.delivery.dueAt !== null) this.onQueued();
  }
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof Refusal) || error instanceof Unavailable) throw error;
}
