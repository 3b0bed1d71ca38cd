import { Controller, Get, Header, Inject, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiExcludeController, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { KeyRing } from '../links/key-ring.js';
import { PURPOSES } from '../links/links.module.js';
import type { AnyPurpose } from '../links/purpose.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { Health } from './health.js';
import { Metrics } from './metrics.js';

@ApiTags('purposes')
@ApiBearerAuth()
@UseGuards(ApiKeyGuard)
@Controller('v1/purposes')
export class PurposesController {
  constructor(@Inject(PURPOSES) private readonly purposes: ReadonlyMap<string, AnyPurpose>) {}

  /** What is configured; durations in seconds. */
  @Get()
  @ApiOperation({ summary: 'List the purposes as they are configured' })
  @ApiResponse({
    status: 200,
    standardSchema: z.object({ items: z.array(z.looseObject({ name: z.string() })) }).meta({ id: 'Purposes' }),
  })
  list(): { items: unknown[] } {
    return { items: [...this.purposes.values()] };
  }
}

/** For machines that watch over the service; no API key. */
@ApiExcludeController()
@Controller()
export class ServiceController {
  constructor(
    @Inject(KeyRing) private readonly keys: KeyRing,
    @Inject(Health) private readonly health: Health,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  @Get('.well-known/jwks.json')
  @Header('cache-control', 'public, max-age=300')
  jwks(): unknown {
    return this.keys.publicJwks();
  }

  @Get('health/live')
  live(): unknown {
    return { status: 'ok' };
  }

  @Get('health/ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    const report = await this.health.report();
    if (report.status !== 'ok') void reply.status(503).header('retry-after', '1');
    return report;
  }

  @Get('metrics')
  async prometheus(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.type(this.metrics.contentType);
    return this.metrics.text();
  }
}
