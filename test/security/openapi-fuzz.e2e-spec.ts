import { Ajv, type ValidateFunction } from 'ajv';
import fc from 'fast-check';
import { tell } from '../faults/size.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { API_KEY, HandSetClock, startService, type Answer, type TestService } from '../support/service.js';
import { anyText, anyValue, oneOddSpelling, oneWrong, valid, type Known, type Schema } from './schema-values.js';

/** `FUZZ=full` takes twenty thousand on each engine. The seed is printed, and `FUZZ_SEED` repeats it. */
const FULL = process.env['FUZZ'] === 'full';
/** In the short form the engines share two thousand. */
const CASES = FULL ? 20_000 : 1_000;
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const ENGINES = ['sqlite', 'postgres'] as const;
tell(`seed ${SEED} (FUZZ_SEED=${SEED} repeats it)`);

interface Operation {
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Schema }> }>;
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Operation['responses'] };
}
interface Case {
  readonly method: string;
  readonly path: string;
  readonly route: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

const clock = new HandSetClock();
/** the one of the engine whose turn it is */
let service: TestService;
let api: OpenApi;
const schemas = new Map<string, ValidateFunction>();
/** Tokens, codes and ids of links in force, for requests that get further than the door. */
const pool: { id: string; token: string; purpose: string }[] = [];
const ids: string[] = [];

async function refill(): Promise<void> {
  for (const purpose of ['password-reset', 'magic-link', 'email-verification']) {
    pool.push({ ...(await service.mintReturned({ purpose })), purpose });
    const { id } = (await service.mint({ purpose })).body;
    // Of those that are mailed there is more to ask.
    ids.push(id, id, pool.at(-1)!.id);
  }
}

const deref = (schema: Schema): Schema =>
  schema.$ref === undefined ? schema : api.components.schemas[schema.$ref.split('/').at(-1)!]!;

const oneOf = (choices: () => readonly string[]): fc.Arbitrary<string> =>
  fc.nat().map((n) => choices()[n % choices().length] ?? 'x');
/** What the members' names promise; everything else comes from the schema alone. */
const known: Known = (name) => {
  switch (name) {
    case 'purpose':
      return fc.constantFrom(
        'password-reset',
        'magic-link',
        'email-verification',
        'password-changed',
        'password-changed',
      );
    case 'recipient':
      return fc.nat(100_000).map((n) => `fuzz-${n}@example.com`);
    case 'token':
    case 'code':
      return oneOf(() => pool.map(({ token }) => token));
    case 'id':
      return oneOf(() => ids);
    case 'expiresIn':
      return fc.oneof(fc.integer({ min: 60, max: 600 }), fc.integer({ min: 1, max: 100_000 }));
    case 'templateData':
      return fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom({}, { name: 'Ann' }) },
        {
          weight: 1,
          arbitrary: fc.dictionary(fc.oneof(fc.constantFrom('name', 'a', 'ä'), anyText), anyValue, { maxKeys: 2 }),
        },
      );
    case 'redirectUri':
      return fc.constant('https://app.example/callback');
    case 'clientIp':
      return fc.ipV4();
    case 'locale':
      return fc.constantFrom('en', 'de-AT', 'pt-BR', 'zh-Hant-TW');
    default:
      return undefined;
  }
};

/** What a decoder may choke on, or a database behind it: no UTF-8, no escape, no end. */
const ODD_ESCAPES = ['%ff', '%c0%80', '%ed%a0%80', '%f4%90%80%80', '%', '%zz', '%u0000', '%00', 'a%00b'];

/** Lone surrogates have no place in UTF-8. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
const encoded = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return encodeURIComponent(wellFormed(text));
};

/** Of each parameter sometimes a good value, sometimes anything. */
function parametersOf(
  parameters: NonNullable<Operation['parameters']>,
  place: string,
): fc.Arbitrary<Record<string, unknown>> {
  const entries = parameters
    .filter((one) => one.in === place)
    .map(
      ({ name, schema }) =>
        [
          name,
          fc.oneof({ weight: 4, arbitrary: valid(schema, known, deref, name) }, { weight: 1, arbitrary: anyText }),
        ] as const,
    );
  return fc.record(Object.fromEntries(entries), place === 'path' ? {} : { requiredKeys: [] });
}

/** A token with the purpose it is for, which no schema tells. */
const proof: fc.Arbitrary<string> = fc.nat().map((n) => {
  const { token, purpose } = pool[n % pool.length]!;
  return JSON.stringify({ token, purpose });
});

function bodyOf(schema: Schema | undefined): fc.Arbitrary<string | undefined> {
  if (!schema) return fc.option(fc.constantFrom('{}', 'null', '{"x":1}', '[', ''), { nil: undefined, freq: 5 });
  const good = valid(schema, known, deref) as fc.Arbitrary<Record<string, unknown>>;
  return fc.oneof(
    { weight: 4, arbitrary: good.map((body) => JSON.stringify(body)) },
    { weight: 'token' in (deref(schema).properties ?? {}) ? 5 : 0, arbitrary: proof },
    { weight: 6, arbitrary: oneWrong(good).map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: oneOddSpelling(good) },
    { weight: 1, arbitrary: anyValue.map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: anyText },
  );
}

function casesOf(route: string, method: string, { parameters = [], requestBody }: Operation): fc.Arbitrary<Case> {
  return fc
    .record({
      path: parametersOf(parameters, 'path'),
      query: fc.oneof(
        { weight: 4, arbitrary: parametersOf(parameters, 'query') },
        { weight: 1, arbitrary: fc.dictionary(anyText, anyText, { maxKeys: 3 }) },
      ),
      /** put in the place of some parameter, as it is */
      odd: fc.option(fc.tuple(fc.nat(), fc.constantFrom(...ODD_ESCAPES)), { freq: 15 }),
      headers: parametersOf(
        parameters.filter(({ name }) => name === 'Idempotency-Key'),
        'header',
      ),
      body: method === 'get' ? fc.constant(undefined) : bodyOf(requestBody?.content['application/json']?.schema),
    })
    .map(({ path, query, odd, headers, body }) => {
      const names = [...Object.keys(path), ...Object.keys(query)];
      const oddName = odd && names[odd[0] % names.length];
      const written = (name: string, value: unknown): string => (name === oddName ? odd![1] : encoded(value));
      const search = Object.entries(query).map(([name, value]) => `${encoded(name)}=${written(name, value)}`);
      return {
        method: method.toUpperCase(),
        route,
        path:
          route.replace(/\{(\w+)\}/g, (_all, name: string) => written(name, path[name])) +
          (search.length > 0 ? `?${search.join('&')}` : ''),
        // What cannot be in a header at all, no client sends.
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [
            name,
            String(value).replace(/[^\t\x20-\x7e\x80-\xff]/g, '?'),
          ]),
        ),
        body: body === undefined ? undefined : wellFormed(body),
      };
    });
}

/** The answer is one that the document promises, to the last member. */
function judge(answer: Answer, { route, method }: Case): void {
  expect(answer.status).toBeLessThan(500);
  expect(answer.text).not.toContain(API_KEY);
  // An empty or an odd parameter may make another address of it.
  if (answer.status === 404 && answer.body?.code === 'not_found') return;
  const promised = api.paths[route]![method.toLowerCase()]!.responses[answer.status];
  const response = promised?.$ref ? api.components.responses[promised.$ref.split('/').at(-1)!] : promised;
  expect({ status: answer.status, documented: response !== undefined }).toEqual({
    status: answer.status,
    documented: true,
  });
  const [type] = (answer.headers.get('content-type') ?? '').split(';') as [string];
  const content = response!.content?.[type];
  expect({ type, documented: content !== undefined }).toEqual({ type, documented: true });
  const check = schemaCheck(content!.schema);
  if (!check(answer.body)) throw new Error(`not as documented: ${JSON.stringify(check.errors)} ${answer.text}`);
  if (type === 'application/problem+json') expect(answer.body).toMatchObject({ status: answer.status });
}

function schemaCheck(schema: Schema): ValidateFunction {
  const key = JSON.stringify(schema);
  let check = schemas.get(key);
  if (!check) {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    schemas.set(key, (check = ajv.compile({ ...schema, components: api.components })));
  }
  return check;
}

const routesOf = (): string[] =>
  Object.entries(api.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
/** All but those that need a mail in a certain state. */
const reachable = (): string[] => routesOf().filter((route) => !/(?:resend|requeue|cancel)$/.test(route));

describe.each(ENGINES)('on %s', (engine) => {
  let postgres: Postgres | undefined;
  beforeAll(async () => {
    postgres = engine === 'postgres' ? await startPostgres() : undefined;
    service = await startService({
      clock,
      env: {
        REDIRECT_URIS: 'https://app.example/callback',
        ...(postgres && { DATABASE_URL: await postgres.createDatabase() }),
      },
    });
    api = (await service.request('GET', '/openapi.json')).body;
    for (const of of [pool, ids]) of.length = 0;
    await refill();
  }, 60_000);
  afterAll(async () => {
    await service.stop();
    await postgres?.stop();
  });

  test('the document describes every route of the API', async () => {
    expect(routesOf()).toEqual(
      expect.arrayContaining(['POST /v1/links', 'POST /v1/links/redeem', 'GET /v1/links/{id}', 'GET /v1/purposes']),
    );
    for (const [path, item] of Object.entries(api.paths))
      for (const operation of Object.values(item)) {
        expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '405', '429', '503']));
        // Only what is asked for by its id can be missing, and only a proof can have ended or not fit.
        expect(Object.hasOwn(operation.responses, '404')).toBe(path.includes('{'));
        expect(Object.hasOwn(operation.responses, '409')).toBe(/(redeem|inspect)$/.test(path));
        expect(operation.summary).toMatch(/^[A-Z].+[^.]$/);
        expect(operation.description).toMatch(/API key/);
        for (const response of Object.values(operation.responses))
          expect(response.$ref ?? response.content).toBeDefined();
      }
  });

  test(`${CASES} requests made from the document, good ones and others: no fault of ours, every answer as documented`, async () => {
    const operations = new Map(
      Object.entries(api.paths).flatMap(([route, item]) =>
        Object.entries(item).map(
          ([method, operation]) => [`${method.toUpperCase()} ${route}`, casesOf(route, method, operation)] as const,
        ),
      ),
    );
    const statuses = new Map<number, number>();
    const here = new Map<string, number>();
    let n = 0;
    const carryOut = async (request: Case): Promise<void> => {
      n += 1;
      if (n % 200 === 0) await refill();
      if (n % 20 === 0) clock.advance(1);
      const answer = await service.api(request.method, request.path, request.body, request.headers);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const name = `${request.method} ${request.route}`;
      if (answer.status < 300) here.set(name, (here.get(name) ?? 0) + 1);
      judge(answer, request);
    };
    const property = fc.asyncProperty(fc.oneof(...operations.values()), carryOut);
    // Other cases on each engine.
    const seed = SEED + ENGINES.indexOf(engine);
    await fc.assert(property, { numRuns: CASES, seed, endOnFailure: FULL });
    const figures = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    tell(`${engine}: ${n} requests; ${figures.join(', ')}`);
    // The cases get through the door as well as they are turned away at it.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 404, 422]));
    const [rarest] = reachable().sort((one, other) => (here.get(one) ?? 0) - (here.get(other) ?? 0));
    tell(`${engine}: most seldom carried out: ${rarest}, ${here.get(rarest!) ?? 0} times`);
    // What chance has left out so far gets its own cases, until one of them is good.
    for (const route of reachable())
      for (const request of here.has(route)
        ? []
        : fc.sample(operations.get(route as `${string} ${string}`)!, { numRuns: 400, seed })) {
        if (here.has(route)) break;
        await carryOut(request);
      }
    expect([...here.keys()]).toEqual(expect.arrayContaining(reachable()));
  }, 1_800_000);

  test('afterwards the service works as before', async () => {
    const { token } = await service.mintReturned();
    expect((await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' })).status).toBe(200);
  });
});
