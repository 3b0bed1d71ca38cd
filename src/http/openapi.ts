import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { onSendHookHandler } from 'fastify';
import { z } from 'zod';
import { problemDocument } from './link.resource.js';
import { PROBLEMS } from './problems.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Headers = NonNullable<OpenAPIObject['components']>['headers'];

const text = (description: string) => ({ description, schema: { type: 'string' as const } });
/** Headers that come with a status, whatever the operation. */
const HEADERS: Readonly<Record<string, Headers>> = {
  201: { Location: text('where the new resource is') },
  401: { 'WWW-Authenticate': text('Bearer') },
  405: { Allow: text('the methods of this address') },
  429: { 'Retry-After': text('whole seconds') },
  503: { 'Retry-After': text('whole seconds') },
};

/** Of Swagger UI's page: its own scripts and requests to this service. It comes with styles of its own in the page. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const DOCS_HEADERS = {
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow',
  'x-frame-options': 'DENY',
  'content-security-policy': DOCS_POLICY,
};

const onSendOfDocs: onSendHookHandler = (_request, reply, _payload, done) => {
  void reply.headers(DOCS_HEADERS);
  done();
};

/** `/openapi.json` for machines, `/docs` for people, who are no more to be found or followed there than on our pages. */
export function documentApi(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRoute', (route) => {
    if (route.url.startsWith('/docs')) route.onSend = [route.onSend ?? [], onSendOfDocs].flat();
  });
  const config = new DocumentBuilder()
    .setTitle('Oncelink')
    .setDescription('Mints purpose-scoped, single-use links, mails them and redeems them.')
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'an API key, olk_…' })
    .build();
  SwaggerModule.setup('docs', app, () => complete(SwaggerModule.createDocument(app, config)), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Oncelink API',
  });
}

/** Problems that only some operations can answer with. Every other may come from any. */
const ONLY: Readonly<Record<string, (path: string, method: string) => boolean>> = {
  404: (path) => path.includes('{'),
  409: (path) => /\/(redeem|inspect)$/.test(path),
  410: (path) => /\/(redeem|inspect|resend|requeue)$/.test(path),
  413: (_path, method) => method !== 'get',
  415: (_path, method) => method !== 'get',
};
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** What holds for every operation is said once: the problems it may answer with, and the headers of its answers. */
function complete(document: OpenAPIObject): OpenAPIObject {
  const { schemas, ...components } = document.components ?? {};
  const Problem = z.toJSONSchema(problemDocument, { target: 'openapi-3.0' }) as NonNullable<typeof schemas>[string];
  document.components = { ...components, schemas: { ...schemas, Problem }, responses: problemResponses() };
  for (const [path, item] of Object.entries(document.paths))
    for (const method of METHODS) if (item[method]) completeOperation(item[method], path, method);
  return document;
}

function completeOperation(operation: Operation & { 'x-scope'?: string }, path: string, method: string): void {
  const scope = operation['x-scope'];
  const key = scope ? `Needs an API key with the scope \`${scope}\`.` : 'Any API key will do.';
  operation.description = [key, operation.description].filter(Boolean).join(' ');
  const replayable = operation.parameters?.some((one) => 'name' in one && one.name === 'Idempotency-Key');
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!response || '$ref' in response) continue;
    response.headers = {
      ...HEADERS[status],
      ...(replayable && { 'Idempotency-Replayed': text('true, if this is the first answer again') }),
    };
  }
  for (const status of Object.keys(problemResponses()))
    if (ONLY[status]?.(path, method) ?? true)
      operation.responses[status] ??= { $ref: `#/components/responses/${status}` };
}

/** THE PROBLEMS by status. */
function problemResponses(): NonNullable<NonNullable<OpenAPIObject['components']>['responses']> {
  // What cannot be read at all is told by its own status.
  const codes: Record<string, string[]> = Object.fromEntries(
    [400, 408, 431].map((status) => [status, ['request_invalid']]),
  );
  for (const [code, { status }] of Object.entries(PROBLEMS)) (codes[status] ??= []).push(code);
  return Object.fromEntries(
    Object.entries(codes).map(([status, names]) => [
      status,
      {
        description: `a problem (RFC 9457): ${names.join(', ')}`,
        headers: HEADERS[status],
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}
