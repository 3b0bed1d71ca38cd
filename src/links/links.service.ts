import { createHash } from 'node:crypto';
import type { App } from '../apps/app.js';
import type { Clock } from '../clock.js';
import * as refuse from './errors.js';
import { expiryOf, statusOf, type Link } from './link.js';
import { LinkIds } from './link-ids.js';
import type { LinkFilter, LinkStore, MintGuard, Redemption, Window } from './link-store.js';
import { templateDataFaults, type Purpose } from './purpose.js';
import { parseRecipient, recipientKey } from './recipient.js';
import * as requests from './requests.js';
import type { Proof, Tokens } from './tokens.js';

const IDEMPOTENCY_LIFETIME = 24 * 3_600_000;

export interface Minted {
  readonly link: Link;
  /** only for `delivery: "return"` */
  readonly url?: string;
  readonly token?: string;
  /** the first answer to the same Idempotency-Key, given again */
  readonly replayed: boolean;
}

export interface Redeemed {
  readonly link: Link;
  /** whether the redeeming browser proved to be the requesting one; null if it was not asked to */
  readonly sameBrowser: boolean | null;
  readonly replayed: boolean;
}

/**
 * What can be done with links. Every method judges for one app and throws a `Refusal` instead of answering no;
 * a refusal never uses up a good link.
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
    const request = requests.parseRequest(requests.mintRequest, input);
    const purpose = this.purposeOf(request.purpose);
    const link = this.draft(app, purpose, request, idempotencyKey);
    const guard = this.guardOf(purpose, link);

    if (await this.store.insert(link, guard)) return this.minted(app, link, false);

    const earlier = link.idempotencyKey && (await this.store.findByIdempotencyKey(app.id, link.idempotencyKey));
    if (!earlier) throw await this.limitOf(link, purpose);
    if (earlier.createdAt <= link.createdAt - IDEMPOTENCY_LIFETIME) {
      await this.store.releaseIdempotencyKey(app.id, link.idempotencyKey!, link.createdAt - IDEMPOTENCY_LIFETIME);
      return this.mint(app, input, idempotencyKey);
    }
    if (earlier.requestDigest !== link.requestDigest) throw new refuse.IdempotencyMismatch();
    return this.minted(app, asMinted(earlier), true);
  }

  /**
   * Uses a link up. One guarded write is the verdict; the row is read afterwards, only to explain a no.
   * @throws TokenInvalid, LinkExpired, LinkRedeemed, LinkRevoked, LinkSuperseded, FingerprintMismatch,
   *   BindingMismatch, RequestInvalid, Unavailable
   */
  async redeem(app: App, input: unknown, idempotencyKey?: string): Promise<Redeemed> {
    const request = requests.parseRequest(requests.redeemRequest, input);
    const proof = this.authenticate(app, request);
    const question = this.questionOf(proof, request, idempotencyKey);

    const won = proof.expired || proof.redeemedOnPage ? undefined : await this.store.redeem(question);
    if (won) return { link: won, sameBrowser: sameBrowser(won, question), replayed: false };

    const link = await this.read(proof);
    if (isReplay(link, question)) return { link, sameBrowser: sameBrowser(link, question), replayed: true };
    throw this.explain(link, proof, question) ?? new refuse.Unavailable();
  }

  /** What redeeming would say, without any effect. @throws as `redeem` */
  async inspect(app: App, input: unknown): Promise<Link> {
    const request = requests.parseRequest(requests.redeemRequest, input);
    const proof = this.authenticate(app, request);
    const link = await this.read(proof);
    if (proof.redeemedOnPage && !proof.expired && link.redeemedAt !== null) return link;
    const refusal = this.explain(link, proof, this.questionOf(proof, request));
    if (refusal) throw refusal;
    return link;
  }

  /** @throws NotFound */
  async get(app: App, id: string): Promise<Link> {
    const link = await this.store.find(app.id, id);
    if (!link) throw new refuse.NotFound('link');
    return link;
  }

  /** @returns a page of the app's links, newest first. @throws RequestInvalid */
  async list(app: App, input: unknown): Promise<{ items: Link[]; nextCursor: string | null }> {
    const { limit = 50, cursor, ...filter } = requests.parseRequest(requests.listRequest, input);
    const page = await this.store.list(app.id, withRecipientKey(filter), { limit: limit + 1, after: cursor }, this.clock());
    const items = page.slice(0, limit);
    return { items, nextCursor: page.length > limit ? items.at(-1)!.id : null };
  }

  /** Withdraws a link; withdrawing it twice, or after its end, changes nothing. @throws NotFound */
  async revoke(app: App, id: string): Promise<Link> {
    await this.store.revoke(app.id, { id }, this.clock());
    return this.get(app, id);
  }

  /** Withdraws every open link that matches. @returns how many. @throws RequestInvalid */
  async revokeAll(app: App, input: unknown): Promise<number> {
    const filter = requests.parseRequest(requests.revokeRequest, input);
    return this.store.revoke(app.id, { ...withRecipientKey(filter), status: 'active' }, this.clock());
  }

  /** Mails the same link again. @throws NotFound, RateLimited, RequestInvalid, the refusal of a link that has ended */
  async resend(app: App, id: string): Promise<Link> {
    const link = await this.get(app, id);
    if (link.via !== 'email') throw refuse.RequestInvalid.at('', 'only a mailed link can be sent again; this one was returned');
    const purpose = this.purposeOf(link.purpose);
    const now = this.clock();
    const times = { quietSince: now - purpose.limits.cooldown * 1000, deliverBy: now + purpose.deliverWithin * 1000 };
    if (!link.decoy && (await this.store.requeue(app.id, id, now, times, this.windowsOf(purpose, now)))) {
      this.onQueued();
      return this.get(app, id);
    }
    const refusal = ended(link, now);
    if (refusal) throw refusal;
    if (!link.decoy) throw new refuse.RateLimited(Math.max(1, Math.min(purpose.limits.cooldown, 3600)));
    return link;
  }

  /** @returns the configured purposes */
  listPurposes(): Purpose[] {
    return [...this.purposes.values()];
  }

  // -- The confirm page. The browser holds the token; which app it belongs to, the token itself says. --

  /** Judges a mailed token for its page, without effect. @throws as `redeem` */
  async look(token: string): Promise<{ link: Link; purpose: Purpose }> {
    const proof = this.tokens.readLink(token);
    const link = await this.read(proof);
    const refusal = ended(link, this.clock()) ?? (proof.expired ? new refuse.LinkExpired() : undefined);
    if (refusal) throw Object.assign(refusal, { link });
    return { link, purpose: this.purposeOf(link.purpose) };
  }

  /** Notes that a person (or a robot with a cookie jar) has seen the confirm page. Never part of a verdict. */
  async noteOpened(link: Link): Promise<void> {
    if (link.openedAt === null) await this.store.markOpened(link.id, this.clock());
  }

  /**
   * The button was pressed. A purpose that is redeemed on its page is used up now; for any other nothing changes and
   * the browser gets a code to carry to the app. Pressing again in the same browser shows the same outcome.
   * What a page cannot judge (a fingerprint) is left to the app, too.
   * @returns the link and the code for the app
   */
  async confirm(token: string): Promise<{ link: Link; purpose: Purpose; code: string }> {
    const proof = this.tokens.readLink(token);
    const found = await this.read(proof);
    const purpose = this.purposeOf(found.purpose);
    const onPage = purpose.redeemOn === 'page' && found.fingerprint === null;
    // Whoever presses the button again holds the same token in the same cookie.
    const redeemKey = digest('page', token);
    const question: Redemption = { ...this.questionOf(proof, {}), redeemKey };

    const won = onPage && !proof.expired ? await this.store.redeem(question) : undefined;
    const link = won ?? found;
    const current = won || !onPage ? link : await this.read(proof);
    if (!won && !(onPage && isReplay(current, question))) {
      const refusal = ended(current, this.clock()) ?? (proof.expired ? new refuse.LinkExpired() : undefined);
      if (refusal) throw Object.assign(refusal, { link: current });
      if (onPage) throw new refuse.Unavailable();
    }
    return { link: current, purpose, code: this.tokens.mintCode(current, purpose.codeLifetime) };
  }

  // -- The letters --

  /** The URL that goes into the mail, with a token for the row as it stands. */
  urlOf(link: Link): { url: string; token: string } {
    const token = this.tokens.mintLink(link);
    if (this.purposes.get(link.purpose)?.landing !== 'app') return { url: `${this.publicUrl}/l/${token}`, token };
    const url = new URL(link.redirectUri!);
    url.searchParams.set('token', token);
    return { url: url.href, token };
  }

  // -- Steps --

  private draft(app: App, purpose: Purpose, request: requests.MintRequest, idempotencyKey?: string): Link {
    const faults: refuse.FieldError[] = [];
    const recipient = parseRecipient(request.recipient);
    if (!recipient) faults.push({ pointer: '/recipient', detail: 'must be one plain mailbox address, like ann@example.com' });
    const locale = canonicalLocale(request.locale ?? 'en');
    if (!locale) faults.push({ pointer: '/locale', detail: 'must be a BCP 47 language tag, like en or pt-BR' });
    const { default: usual, min, max } = purpose.expiresIn;
    const expiresIn = request.expiresIn ?? usual;
    if (expiresIn < min || expiresIn > max) {
      faults.push({ pointer: '/expiresIn', detail: `must be from ${min} to ${max} seconds for this purpose` });
    }
    if (purpose.binding === 'required' && !request.codeChallenge) {
      faults.push({ pointer: '/codeChallenge', detail: 'is required by this purpose' });
    }
    if (purpose.binding === 'none' && request.codeChallenge) {
      faults.push({ pointer: '/codeChallenge', detail: 'is not used by this purpose (binding: none)' });
    }
    for (const [name, detail] of templateDataFaults(purpose, request.templateData)) {
      faults.push({ pointer: name === '' ? '/templateData' : `/templateData/${name}`, detail });
    }
    if (faults.length > 0) throw new refuse.RequestInvalid(faults);

    if (request.redirectUri !== undefined && !app.redirectUris.includes(request.redirectUri)) throw new refuse.RedirectUriNotAllowed();
    const redirectUri = request.redirectUri ?? (purpose.landing === 'app' ? (app.redirectUris[0] ?? null) : null);
    if (purpose.landing === 'app' && redirectUri === null) throw new refuse.RedirectUriNotAllowed();

    const now = this.clock();
    const mailed = request.delivery === 'email' && !request.decoy;
    const id = this.ids.next();
    return {
      id,
      app: app.id,
      purpose: purpose.name,
      subject: request.subject,
      recipient: recipient!,
      recipientKey: recipientKey(recipient!),
      locale: locale!,
      via: request.delivery,
      decoy: request.decoy,
      supersedes: purpose.reissue === 'supersede' && !request.decoy,
      data: request.data,
      templateData: request.templateData,
      redirectUri,
      fingerprint: request.fingerprint === undefined ? null : digest('fingerprint', id, request.fingerprint),
      codeChallenge: request.codeChallenge ?? null,
      idempotencyKey: idempotencyKey === undefined ? null : digest('mint', app.id, idempotencyKey),
      requestDigest: idempotencyKey === undefined ? null : digest('body', canonicalJson(request)),
      createdAt: now,
      expiresIn,
      issuedAt: now,
      expiresAt: expiryOf(now, expiresIn),
      redeemedAt: null,
      redeemKey: null,
      revokedAt: null,
      openedAt: null,
      superseded: false,
      delivery: {
        status: mailed ? 'queued' : 'none',
        attempts: 0,
        dueAt: mailed ? now : null,
        deliverBy: mailed ? now + purpose.deliverWithin * 1000 : null,
        lease: null,
        sentAt: null,
        lastError: null,
        resends: 0,
      },
    };
  }

  private minted(app: App, link: Link, replayed: boolean): Minted {
    if (link.delivery.dueAt !== null && !replayed) this.onQueued();
    return link.via === 'return' ? { link, ...this.urlOf(link), replayed } : { link, replayed };
  }

  private authenticate(app: App, request: requests.RedeemRequest): Proof {
    const proof = request.token === undefined ? this.tokens.readCode(request.code!) : this.tokens.readLink(request.token);
    if (proof.app !== app.id || proof.purpose !== request.purpose) throw new refuse.TokenInvalid();
    return proof;
  }

  private async read(proof: Proof): Promise<Link> {
    const link = await this.store.find(proof.app, proof.id);
    if (!link || link.decoy || link.purpose !== proof.purpose) throw new refuse.TokenInvalid();
    return link;
  }

  private questionOf(proof: Proof, given: Pick<requests.RedeemRequest, 'fingerprint' | 'codeVerifier'>, idempotencyKey?: string): Redemption {
    return {
      id: proof.id,
      app: proof.app,
      purpose: proof.purpose,
      fingerprint: given.fingerprint === undefined ? null : digest('fingerprint', proof.id, given.fingerprint),
      challenge: given.codeVerifier === undefined ? null : createHash('sha256').update(given.codeVerifier).digest('base64url'),
      challengeRequired: this.purposes.get(proof.purpose)?.binding === 'required',
      redeemKey: idempotencyKey === undefined ? null : digest('redeem', proof.app, idempotencyKey),
      now: this.clock(),
    };
  }

  /** Why the guarded write would say no. It explains; it never decides. */
  private explain(link: Link, proof: Proof, question: Redemption): refuse.Refusal | undefined {
    const refusal = ended(link, question.now);
    if (refusal) return refusal;
    if (proof.expired) return new refuse.LinkExpired();
    if (link.fingerprint !== null && link.fingerprint !== question.fingerprint) return new refuse.FingerprintMismatch();
    if (link.codeChallenge !== null && sameBrowser(link, question) === false && (question.challenge !== null || question.challengeRequired)) {
      return new refuse.BindingMismatch();
    }
    return undefined;
  }

  private guardOf(purpose: Purpose, link: Link): MintGuard {
    const { cooldown } = purpose.limits;
    return {
      quietSince: link.via === 'email' && cooldown > 0 ? LinkIds.floor(link.createdAt - cooldown * 1000 + 1) : null,
      windows: this.windowsOf(purpose, link.createdAt),
    };
  }

  private windowsOf(purpose: Purpose, now: number): Window[] {
    return purpose.limits.perRecipient.map(({ window, count }) => ({ from: LinkIds.floor(now - window * 1000 + 1), count }));
  }

  /** Which limit refused the mint, and until when. */
  private async limitOf(link: Link, purpose: Purpose): Promise<refuse.Refusal> {
    const now = link.createdAt;
    const { cooldown, perRecipient } = purpose.limits;
    const longest = Math.max(cooldown, ...perRecipient.map(({ window }) => window));
    const mints = await this.store.mintsSince(link.app, link.recipientKey, LinkIds.floor(now - longest * 1000));
    let until = now;
    const last = link.via === 'email' && mints.find((mint) => mint.via === 'email' && mint.purpose === link.purpose);
    if (last) until = Math.max(until, last.createdAt + cooldown * 1000);
    for (const { window, count } of perRecipient) {
      // Newest first: when the one that fills the quota leaves the window, there is room for one more.
      const sends = mints.flatMap((mint) => Array<number>(1 + mint.resends).fill(mint.createdAt));
      const filling = sends[count - 1];
      if (filling !== undefined) until = Math.max(until, filling + window * 1000);
    }
    return new refuse.RateLimited(Math.max(1, Math.ceil((until - now) / 1000)));
  }

  private purposeOf(name: string): Purpose {
    const purpose = this.purposes.get(name);
    if (!purpose) throw refuse.RequestInvalid.at('/purpose', `must be one of the configured purposes: ${[...this.purposes.keys()].join(', ')}`);
    return purpose;
  }
}

/** The refusal of a link that has ended, or undefined for an active one. */
function ended(link: Link, now: number): refuse.Refusal | undefined {
  switch (statusOf(link, now)) {
    case 'redeemed':
      return new refuse.LinkRedeemed();
    case 'revoked':
      return new refuse.LinkRevoked();
    case 'superseded':
      return new refuse.LinkSuperseded();
    case 'expired':
      return new refuse.LinkExpired();
    case 'active':
      return undefined;
  }
}

/** Only the caller that won knows the key under which it won (a lost answer is ambiguous to it alone). */
function isReplay(link: Link, question: Redemption): boolean {
  return (
    question.redeemKey !== null &&
    link.redeemKey === question.redeemKey &&
    link.redeemedAt !== null &&
    question.now < link.redeemedAt + IDEMPOTENCY_LIFETIME
  );
}

function sameBrowser(link: Link, question: Redemption): boolean | null {
  return link.codeChallenge === null ? null : link.codeChallenge === question.challenge;
}

/** The link as its first answer showed it: everything that happens later can be computed away. */
function asMinted(link: Link): Link {
  const mailed = link.via === 'email' && !link.decoy;
  const delivery = { ...link.delivery, status: mailed ? 'queued' : 'none', attempts: 0, sentAt: null, lastError: null, dueAt: mailed ? link.createdAt : null } as const;
  return {
    ...link,
    issuedAt: link.createdAt,
    expiresAt: expiryOf(link.createdAt, link.expiresIn),
    redeemedAt: null,
    revokedAt: null,
    openedAt: null,
    superseded: false,
    delivery,
  };
}

function withRecipientKey<Filter extends { recipient?: string }>(filter: Filter): Filter & LinkFilter {
  if (filter.recipient === undefined) return filter;
  const recipient = parseRecipient(filter.recipient);
  if (!recipient) throw refuse.RequestInvalid.at('/recipient', 'must be one plain mailbox address, like ann@example.com');
  return { ...filter, recipient, recipientKey: recipientKey(recipient) };
}

function canonicalLocale(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

/** A digest whose parts cannot run into each other. */
function digest(...parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('base64url');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
