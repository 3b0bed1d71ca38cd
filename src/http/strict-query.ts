import { applyDecorators, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RequestInvalid } from '../links/errors.js';

/** What the server makes of escapes that are none is a guess, and could be somebody else's name. */
class ReadableQuery implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { url = '' } = context.switchToHttp().getRequest<FastifyRequest>().raw;
    try {
      decodeURIComponent(url.slice(url.indexOf('?') + 1));
      return true;
    } catch {
      throw RequestInvalid.at('', 'must have a query that is percent-encoded UTF-8 (RFC 3986, section 2.1)');
    }
  }
}

/**
 * A query that is read strictly, with its members in the documentation from the schema that judges them: Nest documents
 * only those it finds among a handler's arguments.
 */
export function StrictQuery(schema: z.ZodObject): MethodDecorator {
  const { properties } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' });
  return applyDecorators(
    UseGuards(ReadableQuery),
    ...Object.entries(properties ?? {}).map(([name, property]) =>
      ApiQuery({ name, required: false, schema: property as object }),
    ),
  );
}
