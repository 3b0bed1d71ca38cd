import { redirectTo, type App } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { digest } from './digest.js';
import { draftLink } from './draft.js';
import { NotFound, RequestInvalid, TokenInvalid, Unavailable } from './errors.js';
import { ended, explain, isReplay, judgeCode, questionOf, readProven, sameBrowser, type Given } from './judgement.js';
import type { Limits } from './limits.js';
import type { Link, LinkView } from './link.js';
import type { LinkIds } from './link-ids.js';
import type { LinkStore, Page, Redemption } from './link-store.js';
import { insertOnce, limitOn } from './minting.js';
import type { Purpose } from './purpose.js';
import { addressKey, parseRecipient, recipientKey } from './recipient.js';
import {
  inspectRequest,
  listRequest,
  mintRequest,
  parseRequest,
  redeemRequest,
  requireId,
  revokeRequest,
  type InspectRequest,
  type RedeemRequest,
} from './requests.js';
import type { Proof, Tokens } from './tokens.js';

export interface Minted {
  readonly link: Link;
  /** only for `delivery: "return"` */
  readonly url: string | undefined;
  readonly token: string | undefined;
  /** to be shown where the link was asked for (`oneTimeCode: screen`); or with `delivery: "return"`, for the app's own mail */
  readonly oneTimeCode: string | undefined;
  /** the first answer to the same Idempotency-Key, given again */
  readonly replayed: boolean;
}

export interface Redeemed {
  readonly link: LinkView;
  /** whether the redeeming browser proved to be the requesting one; null if it was not asked to */
  readonly sameBrowser: boolean | null;
  readonly replayed: boolean;
}

/**
 * What an app can do with its links. Each method judges for one app and throws a `Refusal` instead of answering no; a
 * refusal never uses up a good link.
 */
export class Links {
  /**
   * @param publicUrl the only base of links, without a trailing slash
   * @param onQueued called when a mail was queued, so that the courier need not poll
   */
  constructor(
    private readonly store: LinkStore,
    private readonly tokens: Tokens,
    private readonly purposes: ReadonlyMap<string, Purpose>,
    private readonly limits: Limits,
    private readonly ids: LinkIds,
    private readonly publicUrl: string,
    private readonly clock: Clock,
    private readonly onQueued: () => void = () => {},
  ) {}

  /**
   * Mints a link: one durable row, which is also the order to mail it.
   * @throws RequestInvalid, RedirectUriNotAllowed, RateLimited, IdempotencyMismatch, Unavailable
   */
  async mint(app: App, input: unknown, idempotencyKey?: string): Promise<Minted> {
    const request = parseRequest(mintRequest, input);
    const purpose = this.purposeOf(request.purpose);
    const now = this.clock();
    const minted = await insertOnce(
      this.store,
      this.ids,
      (id) => draftLink(app, purpose, request, { id, now, idempotencyKey }),
      (link) => this.limits.forMint(purpose, link, request.clientIp),
    );
    if (!minted.replayed && minted.link.delivery.dueAt !== null) this.onQueued();
    return this.answerOf(minted.link, minted.replayed);
  }

  /**
   * Uses a link up. One guarded write is the verdict; the row is read afterwards, only to explain a no.
   * @throws TokenInvalid, CodeIncorrect, CodeExhausted, LinkExpired, LinkRedeemed, LinkRevoked, LinkSuperseded, FingerprintMismatch,
   *   BindingMismatch, RequestInvalid, Unavailable
   */
  async redeem(app: App, input: unknown, idempotencyKey?: string): Promise<Redeemed> {
    const request = parseRequest(redeemRequest, input);
    const byCode = request.oneTimeCode !== undefined;
    // Whoever proves something else than the winner does not ask again, and would not get the same answer.
    const { fingerprint = '', codeVerifier = '' } = request;
    const redeemKey =
      idempotencyKey === undefined ? null : digest('redeem', app.id, idempotencyKey, fingerprint, codeVerifier);
    const proof = byCode ? await this.proofByCode(app, request, redeemKey) : this.authenticate(app, request);
    let question = this.questionOf(proof, request, { redeemKey });
    const mayWin = !proof.expired && !proof.redeemedOnPage;

    let won = mayWin ? await this.store.redeem(question) : undefined;
    if (won) return { link: won, sameBrowser: sameBrowser(won, question), replayed: false };

    const link = await readProven(this.store, proof);
    if (link.renews !== null && link.fingerprint !== null) {
      // Only the row knows with which id this fingerprint was salted; the verdict is the guarded write's, as ever.
      question = this.questionOf(proof, request, { redeemKey, salt: link.renews });
      won = mayWin ? await this.store.redeem(question) : undefined;
      if (won) return { link: won, sameBrowser: sameBrowser(won, question), replayed: false };
    }
    if (isReplay(link, question)) return { link, sameBrowser: sameBrowser(link, question), replayed: true };
    throw explain(link, proof, question) ?? new Unavailable();
  }

  /**
   * What redeeming would say, without any effect. A fingerprint that is not given is not judged here: an app that was
   * handed a code learns from this answer whose fingerprint to compare. @throws as `redeem`
   */
  async inspect(app: App, input: unknown): Promise<Link> {
    const request = parseRequest(inspectRequest, input);
    const proof = this.authenticate(app, request);
    const link = await readProven(this.store, proof);
    if (proof.redeemedOnPage && !proof.expired && link.redeemedAt !== null) return link;
    const question = this.questionOf(proof, request, { salt: link.renews ?? link.id });
    const fingerprint = request.fingerprint === undefined ? link.fingerprint : question.fingerprint;
    const refusal = explain(link, proof, { ...question, fingerprint });
    if (refusal) throw refusal;
    return link;
  }

  /** @throws NotFound */
  async get(app: App, id: string): Promise<Link> {
    requireId(id, new NotFound('link'));
    const link = await this.store.find(app.id, id);
    if (link?.kind !== 'link') throw new NotFound('link');
    return link;
  }

  /** @returns a page of the app's links, newest first. @throws RequestInvalid */
  async list(app: App, input: unknown): Promise<Page<Link>> {
    const { limit = 50, cursor, ...filter } = parseRequest(listRequest, input);
    return this.store.list(app.id, withRecipientKeys(filter), { limit, after: cursor }, this.clock());
  }

  /** Withdraws a link; withdrawing it twice, or after its end, changes nothing. @throws NotFound */
  async revoke(app: App, id: string): Promise<Link> {
    requireId(id, new NotFound('link'));
    await this.store.revoke(app.id, { id, status: 'active' }, this.clock());
    return this.get(app, id);
  }

  /** Withdraws every active link that matches. @returns how many. @throws RequestInvalid */
  async revokeAll(app: App, input: unknown): Promise<number> {
    const filter = withRecipientKeys(parseRequest(revokeRequest, input));
    return this.store.revoke(app.id, { ...filter, status: 'active' }, this.clock());
  }

  /**
   * Mails the same link again, as a mail of its own; one that is still on its way is not doubled. A decoy answers alike.
   * @throws NotFound, RequestInvalid, RateLimited, the refusal of a link that has ended
   */
  async resend(app: App, id: string): Promise<Link> {
    const link = await this.get(app, id);
    const purpose = this.purposeOf(link.purpose);
    if (link.via !== 'email') throw RequestInvalid.at('', 'cannot be done: this link was returned, not mailed');
    const now = this.clock();
    const refusal = ended(link, now);
    if (refusal) throw refusal;
    const guard = this.limits.forResend(purpose, now);
    const permitted = await this.store.requeue(link, guard, { now, deliverBy: now + purpose.deliverWithin * 1000 });
    const after = await this.get(app, id);
    if (!permitted) throw ended(after, now) ?? (await limitOn(this.store, link, guard, now));
    this.onQueued();
    return after;
  }

  /** The URL that goes into the mail, with a token for the row as it stands. */
  urlOf(link: Link): { url: string; token: string } {
    const token = this.tokens.mintLink(link);
    if (this.purposes.get(link.purpose)?.landing !== 'app') return { url: `${this.publicUrl}/l/${token}`, token };
    return { url: redirectTo(link.redirectUri!, { token }), token };
  }

  /** Where the mail's "this wasn't me" leads, unless its purpose does not ask. */
  reportUrlOf(link: Link): string | null {
    const asks = (this.purposes.get(link.purpose)?.pauseAfterReport ?? 0) > 0;
    return asks ? `${this.publicUrl}/r/${this.tokens.mintReport(link)}` : null;
  }

  /** The one-time code that goes into the mail, where the purpose has one. */
  mailedCodeOf(link: Link): string | null {
    return this.purposes.get(link.purpose)?.oneTimeCode === 'mail' ? this.tokens.oneTimeCode(link.id) : null;
  }

  // -- Steps --

  private answerOf(link: Link, replayed: boolean): Minted {
    const where = this.purposes.get(link.purpose)!.oneTimeCode;
    const returned = link.via === 'return' ? this.urlOf(link) : undefined;
    const shown = where === 'screen' || (where === 'mail' && returned !== undefined);
    return {
      link,
      url: returned?.url,
      token: returned?.token,
      oneTimeCode: shown ? this.tokens.oneTimeCode(link.id) : undefined,
      replayed,
    };
  }

  private async proofByCode(
    app: App,
    { id, oneTimeCode, purpose }: RedeemRequest,
    redeemKey: string | null,
  ): Promise<Proof> {
    // Only a code that was mailed proves the mailbox: one from the screen is known to whoever asked.
    if (this.purposes.get(purpose)?.oneTimeCode !== 'mail')
      throw RequestInvalid.at('/oneTimeCode', 'is taken here only for purposes with oneTimeCode: mail');
    requireId(id!, new TokenInvalid());
    const proof = { id: id!, app: app.id, purpose, expired: false, redeemedOnPage: false, bound: false };
    await judgeCode(this.store, this.tokens, proof, oneTimeCode!, redeemKey);
    return proof;
  }

  private authenticate(app: App, request: InspectRequest): Proof {
    const proof =
      request.token === undefined ? this.tokens.readCode(request.code!) : this.tokens.readLink(request.token);
    if (proof.app !== app.id || proof.purpose !== request.purpose) throw new TokenInvalid();
    return proof;
  }

  private questionOf(
    proof: Proof,
    given: Given,
    { redeemKey = null, salt }: { redeemKey?: string | null; salt?: string } = {},
  ): Redemption {
    const purpose = this.purposes.get(proof.purpose);
    return questionOf(proof, given, { purpose, redeemKey, now: this.clock(), salt });
  }

  private purposeOf(name: string): Purpose {
    const purpose = this.purposes.get(name);
    if (purpose) return purpose;
    throw RequestInvalid.at(
      '/purpose',
      `must be one of the configured purposes: ${[...this.purposes.keys()].join(', ')}`,
    );
  }
}

function withRecipientKeys<Filter extends { recipient?: string }>({ recipient: text, ...filter }: Filter) {
  if (text === undefined) return filter;
  const recipient = parseRecipient(text);
  if (!recipient) throw RequestInvalid.at('/recipient', 'must be one plain mailbox address, like ann@example.com');
  return { ...filter, recipients: [{ key: recipientKey(recipient), addressKey: addressKey(recipient) }] };
}
