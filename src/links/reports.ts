import type { Clock } from '../clock.js';
import { TokenInvalid } from './errors.js';
import { readProven } from './judgement.js';
import type { Link } from './link.js';
import type { LinkStore } from './link-store.js';
import type { MessageStore } from './message-store.js';
import type { Purpose } from './purpose.js';
import { addressKey, parseRecipient, recipientKey } from './recipient.js';
import type { Tokens } from './tokens.js';

/**
 * "This wasn't me": what whoever got a mail can do about it. Robots press buttons, too, so it takes what they do not
 * know: the address that the mail went to.
 */
export class Reports {
  constructor(
    private readonly links: LinkStore,
    private readonly messages: MessageStore,
    private readonly tokens: Tokens,
    private readonly purposes: ReadonlyMap<string, Purpose>,
    private readonly clock: Clock,
  ) {}

  /**
   * Judges the token, without effect.
   * @param id the page's link, which the token must be for; undefined where the mail arrives
   * @throws TokenInvalid, also for one whose time is over
   */
  async look(token: string, id?: string): Promise<Link> {
    const proof = this.tokens.readReport(token);
    if (proof.expired || (id !== undefined && id !== proof.id)) throw new TokenInvalid();
    return readProven(this.links, proof);
  }

  /**
   * Withdraws what is open of this purpose for the recipient, and pauses its mail. The pause comes first: nothing that is
   * minted meanwhile is mailed. Each step may be repeated, so after a fault the person presses again.
   * @param address as it was typed
   * @returns false, with no effect, if the mail did not go there
   */
  async report(token: string, id: string, address: string): Promise<boolean> {
    const link = await this.look(token, id);
    const recipient = parseRecipient(address.trim());
    if (recipient === undefined) return false;
    const keys = { key: recipientKey(recipient), addressKey: addressKey(recipient) };
    if (!(await this.links.wentTo(link.app, id, keys))) return false;
    const now = this.clock();
    await this.messages.suppress({
      app: link.app,
      // With its tag, if it has one: not everywhere does `ann+x@` belong to `ann@`.
      recipientKey: keys.addressKey ?? keys.key,
      purpose: link.purpose,
      recipient,
      reason: 'reported',
      createdAt: now,
      until: now + this.purposes.get(link.purpose)!.pauseAfterReport * 1000,
    });
    await this.links.revoke(link.app, { recipients: [{ key: keys.key }], purpose: link.purpose }, now);
    await this.links.markReported(link.id, now);
    return true;
  }
}
