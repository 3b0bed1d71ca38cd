import { Body, Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { APP_STORE, redirectTo, type AppStore } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { ConfirmPage } from '../links/confirm-page.js';
import { CodeExhausted, CodeIncorrect, LinkExpired, LinkSuperseded, RedirectUriNotAllowed } from '../links/errors.js';
import type { Link } from '../links/link.js';
import { CLOCK } from '../links/links.module.js';
import { Renewals } from '../links/renewals.js';
import { Tokens } from '../links/tokens.js';
import { PageVisits } from './page-visits.js';
import { Pages } from './pages.js';

/** How long a page may be left open after its link has run out, in seconds: it can still offer a new one then. */
const STAY = 3600;

/**
 * Where people arrive. The mailed GET changes nothing (scanners follow links); it only moves the token from the address
 * bar into a cookie of this one page. The button is a same-origin POST, and even that uses nothing up where robots
 * could do harm: a code goes to the app, whose backend redeems.
 */
@ApiExcludeController()
@Controller()
export class PagesController {
  constructor(
    @Inject(ConfirmPage) private readonly page: ConfirmPage,
    @Inject(Renewals) private readonly renewals: Renewals,
    @Inject(PageVisits) private readonly visits: PageVisits,
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Pages) private readonly pages: Pages,
    @Inject(APP_STORE) private readonly apps: AppStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The mailed link. */
  @Get('l/:token')
  async arrive(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const link = await this.visits
      .judged(request, () => this.page.look(token))
      .catch((refusal) => this.offerRenewal(reply, token, refusal));
    if (!link) return;
    const path = this.visits.pathOf(link.id);
    this.visits.admit(reply, 'oncelink', token, path, (link.expiresAt - this.clock()) / 1000 + STAY);
    this.pages.redirect(reply, path);
  }

  /** The confirm page: what will happen, for which app, one button. */
  @Get('links/:id')
  async show(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const token = this.visits.tokenOf(request, 'oncelink');
    if (token === undefined) return this.pages.sendMessage(request, reply, 400, 'cookie_missing');
    const link = await this.visits
      .judged(request, () => this.page.look(token, id))
      .catch((refusal) => this.offerRenewal(reply, token, refusal));
    if (!link) return;
    if (request.method === 'GET') await this.page.noteOpened(link).catch(() => undefined);
    await this.sendConfirm(reply, link, token);
  }

  private async sendConfirm(
    reply: FastifyReply,
    link: Link,
    token: string,
    fault?: CodeFault,
    typed?: string,
  ): Promise<void> {
    const form = {
      action: this.visits.pathOf(link.id),
      nonce: this.tokens.formNonce(token),
      target: await this.destinationOf(link),
      usesUp: this.page.redeemsHere(link),
      ...this.page.demandsOf(link),
    };
    await this.pages.sendConfirm(reply, link, form, fault, typed);
  }

  /** The button. */
  @Post('links/:id')
  async press(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = this.visits.tokenOfForm(request, 'oncelink', body);
    if (token === undefined) return this.pages.sendMessage(request, reply, 400, 'cookie_missing');
    // A form has text; JSON may have anything.
    const { oneTimeCode: typed } = (body ?? {}) as { oneTimeCode?: unknown };
    const oneTimeCode = typeof typed === 'string' ? typed : undefined;
    const pressed = await this.visits
      .judged(request, () => this.page.press(token, id, oneTimeCode))
      .catch(async (refusal) => (isCodeFault(refusal) ? refusal : this.offerRenewal(reply, token, refusal)));
    if (!pressed) return;
    // Again, as it is now: the last wrong code has taken the field away.
    if (isCodeFault(pressed))
      return this.sendConfirm(reply, await this.page.look(token, id), token, pressed, oneTimeCode);
    const { link, code } = pressed;
    const target = await this.destinationOf(link);
    if (target !== null) return this.pages.redirect(reply, this.withCode(target, link, code));
    if (link.redeemedAt !== null) return this.pages.sendDone(reply, link);
    throw Object.assign(new RedirectUriNotAllowed(), { link });
  }

  /** "Send me a new one", on the page of a link that has run out. */
  @Post('links/:id/renew')
  async renew(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = this.visits.tokenOfForm(request, 'oncelink', body);
    if (token === undefined) return this.pages.sendMessage(request, reply, 400, 'cookie_missing');
    const { link, isGood } = await this.visits.judged(request, () => this.renewals.renew(token, id, request.ip));
    if (isGood) return this.pages.redirect(reply, this.visits.pathOf(id));
    await this.pages.sendMessage(request, reply, 200, 'renewed', link);
  }

  /** A link that has run out is no dead end, where its purpose lets its recipient ask for a new one. */
  private offerRenewal(reply: FastifyReply, token: string, refusal: unknown): Promise<void> {
    const { link } = refusal as { link?: Link };
    if (!link || !this.renewals.isOffered(refusal, link)) throw refusal;
    this.visits.admit(reply, 'oncelink', token, this.visits.pathOf(link.id), STAY);
    const form = { action: this.visits.pathOf(link.id, '/renew'), nonce: this.tokens.formNonce(token) };
    return this.pages.sendRenewalOffer(reply, link, (refusal as LinkExpired | LinkSuperseded).code, form);
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
    return redirectTo(target, { code, purpose: link.purpose, iss: this.visits.base.href.replace(/\/$/, '') });
  }
}

type CodeFault = CodeIncorrect | CodeExhausted;

/** A mistyped code is no dead end: the page is shown again, and says so. */
function isCodeFault(answer: unknown): answer is CodeFault {
  return answer instanceof CodeIncorrect || answer instanceof CodeExhausted;
}
