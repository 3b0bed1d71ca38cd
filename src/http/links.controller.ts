import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../apps/api-keys.js';
import type { Clock } from '../clock.js';
import type { LinkView } from '../links/link.js';
import { CLOCK } from '../links/links.module.js';
import { Links } from '../links/links.service.js';
import { inspectRequest, listRequest, mintRequest, redeemRequest, revokeRequest } from '../links/requests.js';
import { ApiKeyGuard, ByCaller, Needs, requireScope } from './api-key.guard.js';
import { IDEMPOTENCY_KEY, idempotencyKey } from './idempotency-key.js';
import {
  linkResource,
  mintedResource,
  nextCursor,
  toMintedResource,
  toResource,
  type LinkResource,
  type MintedResource,
} from './link.resource.js';
import { requireNoBody } from './strict-body.js';
import { StrictQuery } from './strict-query.js';

/** The links of the calling app. Bodies are validated by `Links`, the same for embedders; the schemas here document them. */
@ApiTags('links')
@ApiBearerAuth()
@UseGuards(ApiKeyGuard)
@Controller('v1/links')
export class LinksController {
  constructor(
    @Inject(Links) private readonly links: Links,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Mint a link, and mail it or return it',
    description: 'To return it takes `links:return` as well.',
  })
  @Needs('links:mint')
  @IDEMPOTENCY_KEY
  @ApiResponse({ status: 201, standardSchema: mintedResource })
  async mint(
    @ByCaller() caller: Caller,
    @Body({ schema: mintRequest }) body: unknown,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MintedResource> {
    if ((body as { delivery?: unknown } | undefined)?.delivery === 'return') requireScope(caller, 'links:return');
    const minted = await this.links.mint(caller.app, body, idempotencyKey(key));
    void reply.header('location', `/v1/links/${minted.link.id}`);
    if (minted.replayed) void reply.header('idempotency-replayed', 'true');
    return toMintedResource(minted);
  }

  @Post('redeem')
  @ApiOperation({ summary: 'Redeem a link, once' })
  @HttpCode(200)
  @Needs('links:redeem')
  @IDEMPOTENCY_KEY
  @ApiResponse({
    status: 200,
    standardSchema: z.object({ link: linkResource, sameBrowser: z.boolean().nullable() }).meta({ id: 'Redeemed' }),
  })
  async redeem(
    @ByCaller() caller: Caller,
    @Body({ schema: redeemRequest }) body: unknown,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ link: LinkResource; sameBrowser: boolean | null }> {
    const { link, sameBrowser, replayed } = await this.links.redeem(caller.app, body, idempotencyKey(key));
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return { link: this.resource(link), sameBrowser };
  }

  @Post('inspect')
  @ApiOperation({ summary: 'Learn what redeeming would say, without using the link up' })
  @HttpCode(200)
  @Needs('links:redeem')
  @ApiResponse({ status: 200, standardSchema: z.object({ link: linkResource }).meta({ id: 'Inspected' }) })
  async inspect(
    @ByCaller() caller: Caller,
    @Body({ schema: inspectRequest }) body: unknown,
  ): Promise<{ link: LinkResource }> {
    return { link: this.resource(await this.links.inspect(caller.app, body)) };
  }

  @Get()
  @ApiOperation({ summary: 'List links, newest first' })
  @StrictQuery(listRequest)
  @Needs('links:read')
  @ApiResponse({
    status: 200,
    standardSchema: z.object({ items: z.array(linkResource), nextCursor }).meta({ id: 'LinkPage' }),
  })
  async list(
    @ByCaller() caller: Caller,
    @Query({ schema: listRequest }) query: unknown,
  ): Promise<{ items: LinkResource[]; nextCursor: string | null }> {
    const { items, nextCursor } = await this.links.list(caller.app, query);
    return { items: items.map((link) => this.resource(link)), nextCursor };
  }

  @Post('revoke')
  @ApiOperation({ summary: 'Withdraw every active link that matches' })
  @HttpCode(200)
  @Needs('links:revoke')
  @ApiResponse({ status: 200, standardSchema: z.object({ revoked: z.int() }).meta({ id: 'Revoked' }) })
  async revokeAll(
    @ByCaller() caller: Caller,
    @Body({ schema: revokeRequest }) body: unknown,
  ): Promise<{ revoked: number }> {
    return { revoked: await this.links.revokeAll(caller.app, body) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a link, with its status and delivery' })
  @Needs('links:read')
  @ApiResponse({ status: 200, standardSchema: linkResource })
  async get(@ByCaller() caller: Caller, @Param('id') id: string): Promise<LinkResource> {
    return this.resource(await this.links.get(caller.app, id));
  }

  @Post(':id/revoke')
  @ApiOperation({ summary: 'Withdraw a link' })
  @HttpCode(200)
  @Needs('links:revoke')
  @ApiResponse({ status: 200, standardSchema: linkResource })
  async revoke(@ByCaller() caller: Caller, @Param('id') id: string, @Body() body: unknown): Promise<LinkResource> {
    requireNoBody(body);
    return this.resource(await this.links.revoke(caller.app, id));
  }

  @Post(':id/resend')
  @ApiOperation({ summary: 'Mail the same link again' })
  @HttpCode(202)
  @Needs('links:mint')
  @ApiResponse({ status: 202, standardSchema: linkResource })
  async resend(@ByCaller() caller: Caller, @Param('id') id: string, @Body() body: unknown): Promise<LinkResource> {
    requireNoBody(body);
    return this.resource(await this.links.resend(caller.app, id));
  }

  private resource(link: LinkView): LinkResource {
    return toResource(link, this.clock());
  }
}
