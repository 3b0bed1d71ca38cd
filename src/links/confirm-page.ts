import type { Clock } from '../clock.js';
import { digest } from './digest.js';
import { TokenInvalid, Unavailable, type Refusal } from './errors.js';
import { endedFor, isReplay, questionOf, readProven, isCodeAlive, judgeCode } from './judgement.js';
import type { Link } from './link.js';
import type { LinkStore } from './link-store.js';
import type { Purpose } from './purpose.js';
import type { Proof, Tokens } from './tokens.js';

/**
 * What whoever holds a mailed token can do on the page behind it. Whose link it is, the token itself says. Refusals are
 * those of `Links.redeem`; where the token is authentic they carry the link, so that the page can speak its language.
 */
export class ConfirmPage {
  constructor(
    private readonly store: LinkStore,
    private readonly tokens: Tokens,
    private readonly purposes: ReadonlyMap<string, Purpose>,
    private readonly clock: Clock,
  ) {}

  /**
   * Judges the token, without effect.
   * @param id the page's link, which the token must be for; undefined where the mail arrives
   */
  async look(token: string, id?: string): Promise<Link> {
    const { proof, link } = await this.read(token, id);
    const refusal = endedFor(proof, link, this.clock());
    if (refusal) throw Object.assign(refusal, { link });
    return link;
  }

  /** Notes that a person, or a robot with a cookie jar, has seen the page. Never part of a verdict. */
  async noteOpened(link: Link): Promise<void> {
    if (link.openedAt === null) await this.store.markOpened(link.id, this.clock());
  }

  /**
   * The button was pressed. A purpose that is redeemed on its page is used up now; for any other nothing changes and
   * the browser gets a code to carry to the app. Pressing again in the same browser has the same outcome.
   * @param typed the one-time code of the requesting screen, where the purpose has one
   * @returns the link, and the code for the app
   */
  async press(token: string, id: string, typed?: string): Promise<{ link: Link; code: string }> {
    const { proof, link: found } = await this.read(token, id);
    const purpose = this.purposes.get(found.purpose)!;
    const bound = typed !== undefined && purpose.oneTimeCode === 'screen';
    if (bound) {
      await judgeCode(this.store, this.tokens, proof, typed).catch((refusal: Refusal) => {
        throw Object.assign(refusal, { link: found });
      });
    }
    const link = this.redeemsHere(found, bound)
      ? await this.redeem({ ...proof, bound }, token, found)
      : await this.look(token, id);
    return { link, code: this.tokens.mintCode(link, purpose.codeLifetime, bound) };
  }

  /**
   * Whether the button itself uses the link up. What a page cannot judge is left to the app: a fingerprint, and which
   * browser it is, unless the code of the requesting screen was typed here.
   */
  redeemsHere(link: Link, bound = false): boolean {
    const { redeemOn, binding } = this.purposes.get(link.purpose)!;
    return redeemOn === 'page' && link.fingerprint === null && (binding !== 'required' || bound);
  }

  /** What the person in front of the page has to know: that only one browser will do, and whether a code will, too. */
  demandsOf(link: Link): { sameBrowser: boolean; code: boolean } {
    const { binding, oneTimeCode } = this.purposes.get(link.purpose)!;
    return { sameBrowser: binding === 'required', code: oneTimeCode === 'screen' && isCodeAlive(link.codeAttempts) };
  }

  private async redeem(proof: Proof, token: string, found: Link): Promise<Link> {
    // Whoever presses the button again holds the same token in the same cookie.
    const redeemKey = digest('page', token);
    const question = questionOf(proof, {}, { purpose: this.purposes.get(proof.purpose), redeemKey, now: this.clock() });
    const won = proof.expired ? undefined : await this.store.redeem(question);
    if (won) return { ...found, redeemedAt: won.redeemedAt };
    const link = await readProven(this.store, proof);
    if (isReplay(link, question)) return link;
    throw Object.assign(endedFor(proof, link, question.now) ?? new Unavailable(), { link });
  }

  private async read(token: string, id?: string): Promise<{ proof: Proof; link: Link }> {
    const proof = this.tokens.readLink(token);
    if (id !== undefined && id !== proof.id) throw new TokenInvalid();
    return { proof, link: await readProven(this.store, proof) };
  }
}
