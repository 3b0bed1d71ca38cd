import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Caller } from '../apps/api-keys.js';
import { Messages, type Bounced } from '../links/messages.service.js';
import { bounceRequest, listMessagesRequest, listSuppressionsRequest } from '../links/requests.js';
import { ApiKeyGuard, ByCaller, Needs } from './api-key.guard.js';
import { nextCursor } from './link.resource.js';
import {
  messageResource,
  suppressionResource,
  toMessageResource,
  toSuppressionResource,
  type MessageResource,
  type SuppressionResource,
} from './message.resource.js';
import { requireNoBody } from './strict-body.js';
import { StrictQuery } from './strict-query.js';

/** The mail of the calling app, and who gets none. Bodies are validated by `Messages`; the schemas here document them. */
@ApiTags('messages')
@ApiBearerAuth()
@UseGuards(ApiKeyGuard)
@Controller('v1')
export class MessagesController {
  constructor(@Inject(Messages) private readonly messages: Messages) {}

  @Get('messages')
  @ApiOperation({ summary: 'List mails, newest first' })
  @StrictQuery(listMessagesRequest)
  @Needs('links:read')
  @ApiResponse({
    status: 200,
    standardSchema: z.object({ items: z.array(messageResource), nextCursor }).meta({ id: 'MessagePage' }),
  })
  async list(
    @ByCaller() caller: Caller,
    @Query({ schema: listMessagesRequest }) query: unknown,
  ): Promise<{ items: MessageResource[]; nextCursor: string | null }> {
    const { items, nextCursor } = await this.messages.list(caller.app, query);
    return { items: items.map(toMessageResource), nextCursor };
  }

  @Get('messages/:id')
  @ApiOperation({ summary: 'Read a mail, with what the relay said each time' })
  @Needs('links:read')
  @ApiResponse({ status: 200, standardSchema: messageResource })
  async get(@ByCaller() caller: Caller, @Param('id') id: string): Promise<MessageResource> {
    return toMessageResource(await this.messages.get(caller.app, id));
  }

  @Post('messages/:id/requeue')
  @ApiOperation({ summary: 'Send a mail that came to nothing after all' })
  @HttpCode(202)
  @Needs('links:mint')
  @ApiResponse({ status: 202, standardSchema: messageResource })
  async requeue(@ByCaller() caller: Caller, @Param('id') id: string, @Body() body: unknown): Promise<MessageResource> {
    requireNoBody(body);
    return toMessageResource(await this.messages.requeue(caller.app, id));
  }

  @Post('messages/:id/cancel')
  @ApiOperation({ summary: 'Keep a mail that waits from being sent' })
  @HttpCode(200)
  @Needs('links:revoke')
  @ApiResponse({ status: 200, standardSchema: messageResource })
  async cancel(@ByCaller() caller: Caller, @Param('id') id: string, @Body() body: unknown): Promise<MessageResource> {
    requireNoBody(body);
    return toMessageResource(await this.messages.cancel(caller.app, id));
  }

  @Post('bounces')
  @ApiOperation({ summary: 'Tell of a bounce or a complaint' })
  @HttpCode(200)
  @Needs('links:revoke')
  @ApiResponse({
    status: 200,
    standardSchema: z
      .object({ recipient: z.string(), suppressed: z.boolean(), message: z.string().nullable() })
      .meta({ id: 'Bounced' }),
  })
  bounce(@ByCaller() caller: Caller, @Body({ schema: bounceRequest }) body: unknown): Promise<Bounced> {
    return this.messages.bounce(caller.app, body);
  }

  @Get('suppressions')
  @ApiOperation({ summary: 'List who gets no mail, and why' })
  @StrictQuery(listSuppressionsRequest)
  @Needs('links:read')
  @ApiResponse({
    status: 200,
    standardSchema: z
      .object({ items: z.array(suppressionResource), nextCursor: z.string().nullable() })
      .meta({ id: 'SuppressionPage' }),
  })
  async listSuppressions(
    @ByCaller() caller: Caller,
    @Query({ schema: listSuppressionsRequest }) query: unknown,
  ): Promise<{ items: SuppressionResource[]; nextCursor: string | null }> {
    const { items, nextCursor } = await this.messages.listSuppressions(caller.app, query);
    return { items: items.map(toSuppressionResource), nextCursor };
  }

  @Delete('suppressions/:recipient')
  @ApiOperation({ summary: 'Let a recipient get mail again' })
  @HttpCode(200)
  @Needs('admin')
  @ApiResponse({ status: 200, standardSchema: z.object({ lifted: z.int() }).meta({ id: 'Lifted' }) })
  async lift(@ByCaller() caller: Caller, @Param('recipient') recipient: string): Promise<{ lifted: number }> {
    return { lifted: await this.messages.lift(caller.app, recipient) };
  }
}
