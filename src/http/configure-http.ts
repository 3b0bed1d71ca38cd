import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { METHODS } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { LINK_STORE, type LinkStore } from '../links/link-store.js';
import type { Logger } from '../log.js';
import { refuseOverload, type Refuse } from './admission.js';
import { Health } from './health.js';
import { Metrics } from './metrics.js';
import { documentApi } from './openapi.js';
import { Pages } from './pages.js';
import { Problem } from './problems.js';
import { ProblemFilter } from './problem.filter.js';
import { PUBLIC_URL } from './public-url.js';
import { requestId } from './request-id.js';
import { MAX_BODY, registerBodyParsers } from './strict-body.js';
import { openSlowLane } from './slow-lane.js';
import { answerUnreadable } from './unreadable.js';

/** Longer than any token, so that an over-long one is judged and not "not found". */
const MAX_PARAM_LENGTH = 16_384;

/** What `prepareHttp` settles for what goes wrong before any route and any hook. */
interface Prepared {
  readonly always: Readonly<Record<string, string>>;
  readonly answer: Refuse;
}
const prepared = new WeakMap<object, Prepared>();

export function createFastifyAdapter(trustProxy: false | number | readonly string[]): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: MAX_BODY,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // Fastify itself takes a number for "nobody".
    trustProxy: (typeof trustProxy === 'number'
      ? (_address: string, hop: number) => hop < trustProxy
      : trustProxy) as never,
    // See `requestId`.
    genReqId: () => '',
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    http: {
      headersTimeout: 10_000,
      connectionsCheckingInterval: 2_000,
      // A second Authorization or Content-Type makes one that is refused, instead of being dropped in silence.
      joinDuplicateHeaders: true,
    },
    clientErrorHandler(this: object, error: Error, socket: Socket) {
      answerUnreadable(error, socket, prepared.get(this)?.always);
    },
    forceCloseConnections: 'idle',
    // While draining, a request that still comes in is served like any other; Fastify's own 503 is no problem document.
    return503OnClosing: false,
    // An address that cannot be decoded reaches no route; `prepareHttp` says how it is answered.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      prepared.get(request.server)?.answer(error, request, reply),
  } as never);
}

/**
 * Everything about HTTP that is not a controller (strict bodies, problems, headers, metrics, documentation), then
 * initialises the application. To be called once, before it listens.
 * @param addPlugins registers further Fastify plugins, which inherit all this
 */
export async function prepareHttp(
  app: NestFastifyApplication,
  logger: Logger,
  addPlugins?: () => Promise<void>,
): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  const metrics = app.get(Metrics);
  registerBodyParsers(server);
  const problems = new ProblemFilter(app.get(Pages), logger, (code) => metrics.countProblem(code));
  app.useGlobalFilters(problems);
  const always = headersOfEveryAnswer(app.get<string>(PUBLIC_URL));
  prepared.set(server, {
    always,
    answer: (error, request, reply) => problems.answer(error, request, reply.headers(always)),
  });
  const health = app.get(Health);
  health.onFileFault = (fault) =>
    logger.error(`the database file ${fault}: what is written now is lost with this process; put it back, or restart`);
  addHooks(server, health, metrics, logger, always);
  const refuse: Refuse = (...refusal) => problems.answer(...refusal);
  openSlowLane(server, refuse);
  refuseOverload(server, app.get<LinkStore>(LINK_STORE), refuse);
  await addPlugins?.();
  const served = collectRoutes(server);
  documentApi(app);
  await app.init();
  refuseOtherMethods(server, served);
}

function headersOfEveryAnswer(publicUrl: string): Readonly<Record<string, string>> {
  return {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(publicUrl.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  };
}

function addHooks(
  server: FastifyInstance,
  health: Health,
  metrics: Metrics,
  logger: Logger,
  always: Readonly<Record<string, string>>,
): void {
  server.addHook('onSend', (_request, reply, _payload, done) => {
    for (const name in always) if (!reply.hasHeader(name)) void reply.header(name, always[name]);
    // While draining, no client may keep its connection, or the shutdown would wait for it.
    if (health.isDraining) void reply.header('connection', 'close');
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    // The route's pattern, never the URL: that may hold a token.
    const route = request.routeOptions.url ?? 'none';
    metrics.observeRequest(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    if (!logger.isLevelEnabled('debug')) return done();
    logger.debug(
      {
        request: requestId(request),
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
    done();
  });
}

type Routes = ReadonlyMap<string, ReadonlySet<string>>;

/** @returns which methods each address serves, filled in as the routes are registered */
function collectRoutes(server: FastifyInstance): Routes {
  const served = new Map<string, Set<string>>();
  server.addHook('onRoute', ({ url, method }) => {
    const methods = served.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    served.set(url, methods);
  });
  return served;
}

/** Every address answers the methods it does not serve with 405 and `Allow` (RFC 9110 section 15.5.6), not with 404. */
function refuseOtherMethods(server: FastifyInstance, served: Routes): void {
  const all = METHODS.filter((method) => method !== 'CONNECT') as HTTPMethods[];
  for (const method of all) if (!server.supportedMethods.includes(method)) server.addHttpMethod(method);
  for (const [url, methods] of [...served]) {
    const others = all.filter((method) => !methods.has(method));
    const allow = [...methods].join(', ');
    if (url.includes('*') || others.length === 0) continue;
    const refuse = async (): Promise<never> => {
      throw new Problem('method_not_allowed', `This address knows ${allow}.`, { headers: { allow } });
    };
    // Before any body is read: the answer does not depend on it.
    server.route({ url, method: others, onRequest: refuse, handler: refuse });
  }
}
