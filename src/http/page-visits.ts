import { Inject, Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TokenInvalid } from '../links/errors.js';
import { Tokens } from '../links/tokens.js';
import { Problem } from './problems.js';
import { PUBLIC_URL } from './public-url.js';
import { Strangers } from './strangers.js';

/** Which token a cookie holds: the link's own, or that of "this wasn't me". */
export type Visit = 'oncelink' | 'oncelink-report';

/** How a visitor's token gets from the mailed address to a page, and how the page knows its own forms. */
@Injectable()
export class PageVisits {
  readonly base: URL;
  private readonly https: boolean;

  constructor(
    @Inject(PUBLIC_URL) publicUrl: string,
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Strangers) private readonly strangers: Strangers,
  ) {
    this.base = new URL(publicUrl);
    this.https = this.base.protocol === 'https:';
  }

  /** A page of a link: its own, or one below it. */
  pathOf(id: string, page = ''): string {
    return `${this.base.pathname.replace(/\/$/, '')}/links/${id}${page}`;
  }

  /** Moves the token from the address bar into a cookie of one page. @param lifetime seconds */
  admit(reply: FastifyReply, visit: Visit, token: string, path: string, lifetime: number): void {
    const cookie = stringifySetCookie({
      name: this.cookieName(visit),
      value: token,
      path,
      httpOnly: true,
      sameSite: 'lax',
      secure: this.https,
      maxAge: Math.max(1, Math.ceil(lifetime)),
    });
    void reply.header('set-cookie', cookie);
  }

  tokenOf(request: FastifyRequest, visit: Visit): string | undefined {
    return parseCookie(request.headers.cookie ?? '')[this.cookieName(visit)];
  }

  /** @returns the token of one of our own forms, undefined without its cookie. @throws Problem for any other form */
  tokenOfForm(request: FastifyRequest, visit: Visit, body: unknown): string | undefined {
    const token = this.tokenOf(request, visit);
    if (this.isOurForm(request, token, body)) return token;
    throw new Problem('forbidden', 'The form must be sent from the page itself.');
  }

  /** Whatever a stranger presents is judged first and counted after: a good link is never throttled. */
  async judged<Answer>(request: FastifyRequest, judge: () => Promise<Answer>): Promise<Answer> {
    try {
      return await judge();
    } catch (error) {
      if (error instanceof TokenInvalid) await this.strangers.count(request.ip);
      throw error;
    }
  }

  /**
   * Fetch Metadata tells the truth where it exists; `Origin` is next, but with `no-referrer` browsers send "null" for
   * our own form; the form's nonce is for those that have neither. OWASP CSRF cheat sheet.
   */
  private isOurForm(request: FastifyRequest, token: string | undefined, body: unknown): boolean {
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined) return site === 'same-origin';
    const { origin } = request.headers;
    if (origin !== undefined && origin !== 'null') return origin === this.base.origin;
    const nonce = (body as { nonce?: unknown } | undefined)?.nonce;
    return token !== undefined && typeof nonce === 'string' && this.tokens.isFormNonce(token, nonce);
  }

  private cookieName(visit: Visit): string {
    return this.https ? `__Secure-${visit}` : visit;
  }
}
