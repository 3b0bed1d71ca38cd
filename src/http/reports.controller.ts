import { Body, Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Link } from '../links/link.js';
import { Reports } from '../links/reports.js';
import { Tokens } from '../links/tokens.js';
import { PageVisits } from './page-visits.js';
import { Pages } from './pages.js';
import { Strangers } from './strangers.js';

const VISIT = 'oncelink-report';
/** How long the page may be left open, in seconds. */
const STAY = 3600;

/** "This wasn't me": where the last line of a mail leads. As with the link itself, no GET changes anything. */
@ApiExcludeController()
@Controller()
export class ReportsController {
  constructor(
    @Inject(Reports) private readonly reports: Reports,
    @Inject(PageVisits) private readonly visits: PageVisits,
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Pages) private readonly pages: Pages,
    @Inject(Strangers) private readonly strangers: Strangers,
  ) {}

  @Get('r/:token')
  async arrive(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { id } = await this.visits.judged(request, () => this.reports.look(token));
    const path = this.visits.pathOf(id, '/report');
    this.visits.admit(reply, VISIT, token, path, STAY);
    this.pages.redirect(reply, path);
  }

  @Get('links/:id/report')
  async show(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const token = this.visits.tokenOf(request, VISIT);
    if (token === undefined) return this.pages.sendMessage(request, reply, 400, 'cookie_missing');
    const link = await this.visits.judged(request, () => this.reports.look(token, id));
    if (link.reportedAt !== null) return this.pages.sendMessage(request, reply, 200, 'reported', link);
    await this.sendForm(reply, link, token);
  }

  @Post('links/:id/report')
  async report(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = this.visits.tokenOfForm(request, VISIT, body);
    if (token === undefined) return this.pages.sendMessage(request, reply, 400, 'cookie_missing');
    const { address } = (body ?? {}) as { address?: unknown };
    const typed = typeof address === 'string' ? address : '';
    const done = await this.visits.judged(request, () => this.reports.report(token, id, typed));
    const link = await this.reports.look(token, id);
    if (done) return this.pages.sendMessage(request, reply, 200, 'reported', link);
    await this.strangers.count(request.ip);
    await this.sendForm(reply, link, token, typed);
  }

  private sendForm(reply: FastifyReply, link: Link, token: string, wrong?: string): Promise<void> {
    const form = { action: this.visits.pathOf(link.id, '/report'), nonce: this.tokens.formNonce(token) };
    return this.pages.sendReport(reply, link, form, wrong);
  }
}
