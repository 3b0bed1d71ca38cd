import {
  applyDecorators,
  createParamDecorator,
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiKeys, type Caller } from '../apps/api-keys.js';
import type { Scope } from '../apps/app.js';
import { Problem } from './problems.js';
import { Strangers } from './strangers.js';

type WithCaller = FastifyRequest & { caller?: Caller };

const BEARER = /^Bearer +(\S+)$/i;

/** By route handler. */
const scopes = new WeakMap<object, Scope>();

/** The scope a route needs. Without it any valid key will do. */
export const Needs = (scope: Scope): MethodDecorator =>
  applyDecorators(
    ApiExtension('x-scope', scope),
    (_controller: object, _name: string | symbol, { value: handler }: PropertyDescriptor) =>
      void scopes.set(handler as object, scope),
  );

/** Who calls: the app, its key and scopes. */
export const ByCaller = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Caller => context.switchToHttp().getRequest<WithCaller>().caller!,
);

/** @throws Problem forbidden */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.has(scope) || caller.scopes.has('admin')) return;
  throw new Problem('forbidden', `This API key lacks the scope ${scope}.`);
}

/**
 * A key that is limited to purposes serves only what names one of them, in the body or, to read, in the query. What is
 * asked for by its id names none. @throws Problem forbidden
 */
function requirePurpose({ purposes }: Caller, { method, params, query, body }: FastifyRequest): void {
  if (!purposes) return;
  const byId = Object.keys(params as object).length > 0;
  const asked = method === 'GET' || method === 'HEAD' ? query : body;
  const { purpose } = (byId ? {} : (asked ?? {})) as { purpose?: unknown };
  if (typeof purpose === 'string' && purposes.has(purpose)) return;
  throw new Problem(
    'forbidden',
    `This API key serves only requests that name the purpose ${[...purposes].join(' or ')}.`,
  );
}

/** Lets callers with an API key in (`Authorization: Bearer olk_…`, RFC 6750 section 2.1), and nobody else. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    @Inject(ApiKeys) private readonly keys: ApiKeys,
    @Inject(Strangers) private readonly strangers: Strangers,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = context.switchToHttp().getRequest<WithCaller>();
    const [, key] = BEARER.exec(request.headers.authorization ?? '') ?? [];
    const caller = key === undefined ? undefined : this.keys.authenticate(key);
    // At once where that can be: a promise that nobody needs costs three turns.
    if (caller && !(caller instanceof Promise)) return admit(caller, request, context);
    return this.admitLater(caller, request, context);
  }

  private async admitLater(
    caller: Promise<Caller | undefined> | undefined,
    request: WithCaller,
    context: ExecutionContext,
  ): Promise<boolean> {
    const found = await caller;
    if (found) return admit(found, request, context);
    await this.strangers.count(request.ip);
    throw new Problem('unauthorized', 'Send "Authorization: Bearer <API key>" with a key in force.', {
      headers: { 'www-authenticate': 'Bearer realm="oncelink"' },
    });
  }
}

/** @throws Problem forbidden */
function admit(caller: Caller, request: WithCaller, context: ExecutionContext): true {
  const scope = scopes.get(context.getHandler());
  if (scope) requireScope(caller, scope);
  requirePurpose(caller, request);
  request.caller = caller;
  return true;
}
