import { Body, Controller, Headers, Inject, Post, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '../apps/api-keys.js';
import { Notifications } from '../links/notifications.js';
import { notificationRequest } from '../links/requests.js';
import { ApiKeyGuard, ByCaller, Needs } from './api-key.guard.js';
import { IDEMPOTENCY_KEY, idempotencyKey } from './idempotency-key.js';
import { messageResource, toMessageResource, type MessageResource } from './message.resource.js';

/** Mails that tell what has happened, and have no link. */
@ApiTags('notifications')
@ApiBearerAuth()
@UseGuards(ApiKeyGuard)
@Controller('v1/notifications')
export class NotificationsController {
  constructor(@Inject(Notifications) private readonly notifications: Notifications) {}

  @Post()
  @ApiOperation({ summary: 'Mail that something has happened' })
  @Needs('links:mint')
  @IDEMPOTENCY_KEY
  @ApiResponse({ status: 201, standardSchema: messageResource })
  async send(
    @ByCaller() caller: Caller,
    @Body({ schema: notificationRequest }) body: unknown,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MessageResource> {
    const { link, replayed } = await this.notifications.send(caller.app, body, idempotencyKey(key));
    void reply.header('location', `/v1/messages/${link.id}`);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return toMessageResource({ ...link, log: [] });
  }
}
