import { Body, Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { APP_STORE, redirectTo, type AppStore } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { ConfirmPage } from '../links/confirm-page.js';
import { CodeExhausted, CodeIncorrect, RedirectUriNotAllowed, TokenInvalid } from '../links/errors.js';
import type { Link } from '../links/link.js';
import { CLOCK } from '../links/links.module.js';
import { Tokens } from '../links/tokens.js';
import { Pages } from './pages.js';
import { Problem } from './problems.js';
import { PUBLIC_URL } from './public-url.js';
import { Strangers } from './strangers.js';

/**
 * Where people arrive. The mailed GET changes nothing (scanners follow links); it only moves the token from the address
 * bar into a cookie of this one page. The button is a same-origin POST, and even that uses nothing up where robots
 * could do harm: a code goes to the app, whose backend redeems.
 */
@ApiExcludeController()
@Controller()
export class PagesController {
  private readonly base: URL;
  private readonly cookieName: string;

  constructor(
    @Inject(PUBLIC_URL) publicUrl: string,
    @Inject(ConfirmPage) private readonly page: ConfirmPage,
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Pages) private readonly pages: Pages,
    @Inject(APP_STORE) private readonly apps: AppStore,
    @Inject(Strangers) private readonly strangers: Strangers,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.base = new URL(publicUrl);
    this.cookieName = this.base.protocol === 'https:' ? '__Secure-oncelink' : 'oncelink';
  }

  /** The mailed link. */
  @Get('l/:token')
  async arrive(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const link = await this.judged(request, () => this.page.look(token));
    const path = this.pathOf(link.id);
    const cookie = stringifySetCookie({
      name: this.cookieName,
      value: token,
      path,
      httpOnly: true,
      sameSite: 'lax',
      secure: this.base.protocol === 'https:',
      maxAge: Math.max(1, Math.ceil((link.expiresAt - this.clock()) / 1000)),
    });
    void reply.header('set-cookie', cookie);
    this.pages.redirect(reply, path);
  }

  /** The confirm page: what will happen, for which app, one button. */
  @Get('links/:id')
  async show(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const token = this.tokenFromCookie(request);
    if (token === undefined) return this.pages.sendMessage(request, reply, 400, 'cookie_missing');
    const link = await this.judged(request, () => this.page.look(token, id));
    if (request.method === 'GET') await this.page.noteOpened(link).catch(() => undefined);
    await this.sendConfirm(reply, link, token);
  }

  private async sendConfirm(reply: FastifyReply, link: Link, token: string, fault?: CodeFault): Promise<void> {
    const form = {
      action: this.pathOf(link.id),
      nonce: this.tokens.formNonce(token),
      target: await this.destinationOf(link),
      usesUp: this.page.redeemsHere(link),
      ...this.page.demandsOf(link),
    };
    await this.pages.sendConfirm(reply, link, form, fault);
  }

  /** The button. */
  @Post('links/:id')
  async press(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = this.tokenFromCookie(request);
    if (!this.isOurForm(request, token, body)) {
      throw new Problem('forbidden', 'The form must be sent from the confirm page itself.');
    }
    if (token === undefined) return this.pages.sendMessage(request, reply, 400, 'cookie_missing');
    const { oneTimeCode } = (body ?? {}) as { oneTimeCode?: string };
    const pressed = await this.judged(request, () => this.page.press(token, id, oneTimeCode)).catch(orCodeFault);
    // Again, as it is now: the last wrong code has taken the field away.
    if (isCodeFault(pressed)) return this.sendConfirm(reply, await this.page.look(token, id), token, pressed);
    const { link, code } = pressed;
    const target = await this.destinationOf(link);
    if (target !== null) return this.pages.redirect(reply, this.withCode(target, link, code));
    if (link.redeemedAt !== null) return this.pages.sendDone(reply, link);
    throw Object.assign(new RedirectUriNotAllowed(), { link });
  }

  /** Whatever a stranger presents is judged first and counted after: a good link is never throttled. */
  private async judged<Answer>(request: FastifyRequest, judge: () => Promise<Answer>): Promise<Answer> {
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

  private tokenFromCookie(request: FastifyRequest): string | undefined {
    return parseCookie(request.headers.cookie ?? '')[this.cookieName];
  }

  private pathOf(id: string): string {
    return `${this.base.pathname.replace(/\/$/, '')}/links/${id}`;
  }

  /** Where the app wants its people: the link's own redirect URI; else, unless all is done here, the app's first. */
  private async destinationOf(link: Link): Promise<string | null> {
    const registered = (await this.apps.find(link.app))?.redirectUris ?? [];
    // What the app has taken back since the mint is no place to send anybody to.
    if (link.redirectUri !== null) return registered.includes(link.redirectUri) ? link.redirectUri : null;
    return link.redeemedAt !== null || this.page.redeemsHere(link) ? null : (registered[0] ?? null);
  }

  /** `iss` tells the app which service answered (RFC 9207, against mix-up). */
  private withCode(target: string, link: Link, code: string): string {
    return redirectTo(target, { code, purpose: link.purpose, iss: this.base.href.replace(/\/$/, '') });
  }
}

type CodeFault = CodeIncorrect | CodeExhausted;

function isCodeFault(answer: unknown): answer is CodeFault {
  return answer instanceof CodeIncorrect || answer instanceof CodeExhausted;
}

/** A mistyped code is no dead end: the page is shown again, and says so. */
function orCodeFault(error: unknown): CodeFault {
  if (isCodeFault(error)) return error;
  throw error;
}
