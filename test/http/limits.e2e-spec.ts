import { Courier } from '../../src/links/courier.js';
import { addApp } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { eventually, HandSetClock, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';

const clock = new HandSetClock();
const running: TestService[] = [];
let templates: TemplatesCopy;
beforeAll(() => {
  templates = new TemplatesCopy();
  templates.edit(
    'purposes/magic-link/purpose.yaml',
    'limits:\n',
    'limits:\n  perSubject: { 1h: 2 }\n  perClient: { 1h: 3 }\n',
  );
});
afterEach(() => Promise.all(running.splice(0).map((service) => service.stop())));
afterAll(() => templates.discard());

async function start(env: Record<string, string> = {}): Promise<TestService> {
  const service = await startService({ clock, env: { TEMPLATES_DIR: templates.directory, ...env } });
  running.push(service);
  return service;
}

const link = { purpose: 'magic-link' };
const refusedFor = (answer: Answer, seconds: number): void => {
  expectProblem(answer, 'rate_limited');
  expect(answer.headers.get('retry-after')).toBe(String(seconds));
};

test.each([false, true])('by subject, whatever the recipient and the purpose (decoy: %s)', async (decoy) => {
  const service = await start();
  const mint = (body: object): Promise<Answer> => service.mint({ subject: 'user', decoy, ...body });
  expect((await mint({ purpose: 'password-reset' })).status).toBe(201);
  clock.advance(100);
  expect((await mint(link)).status).toBe(201);
  refusedFor(await mint(link), 3_500);
  // A purpose that does not limit subjects goes on; another subject, too.
  expect((await mint({ purpose: 'password-reset' })).status).toBe(201);
  expect((await mint({ ...link, subject: 'another' })).status).toBe(201);
});

test.each([
  ['IPv4', '192.0.2.7', '::ffff:192.0.2.7', '192.0.2.8'],
  ['IPv6, a whole /64', '2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:1::1'],
])('by client address: %s, decoys included', async (_name, one, same, other) => {
  const service = await start();
  const mint = (clientIp: string, body: object = link): Promise<Answer> => service.mint({ ...body, clientIp });
  expect((await mint(one, { purpose: 'password-reset' })).status).toBe(201);
  expect((await mint(same, { ...link, decoy: true })).status).toBe(201);
  const third = await mint(one);
  expect(third.status).toBe(201);
  refusedFor(await mint(same), 3_600);
  expect((await mint(other)).status).toBe(201);
  expect((await service.mint(link)).status).toBe(201);
  expect(third.body).not.toHaveProperty('clientIp');
  for (const address of [one, same, other]) expect(service.logged()).not.toContain(address);
});

test('a client address that is none is refused, and where nothing counts by it, it is not kept', async () => {
  const service = await start({ TEMPLATES_DIR: new TemplatesCopy().directory });
  expectProblem(await service.mint({ clientIp: 'fe80::1%eth0' }), 'request_invalid');
  expect((await service.mint({ clientIp: '192.0.2.1' })).status).toBe(201);
});

test('by app and over the whole service; each refusal knows its own window', async () => {
  const service = await start({ LIMIT_PER_APP: '3/1m', LIMIT_SERVICE: '5/1m,6/1h' });
  const other = await addApp(service, 'other');
  const mint = (): Promise<Answer> => service.mint({ delivery: 'return' });
  const mintElsewhere = (): Promise<Answer> =>
    other('POST', '/v1/links', mintBody({ delivery: 'return', decoy: true }));
  const racers = await Promise.all(Array.from({ length: 8 }, mint));
  expect(racers.filter(({ status }) => status === 201)).toHaveLength(3);
  refusedFor(
    racers.find(({ status }) => status === 429)!,
    60,
  );
  clock.advance(10);
  expect([(await mintElsewhere()).status, (await mintElsewhere()).status]).toEqual([201, 201]);
  refusedFor(await mintElsewhere(), 50);
  clock.advance(50);
  expect((await mint()).status).toBe(201);
  refusedFor(await mintElsewhere(), 3_540);
});

test('a clock that was a week ahead, and is right again, leaves nothing that counts', async () => {
  const service = await start();
  const ann = { recipient: 'ann@example.com', subject: 'ann' };
  clock.advance(7 * 86_400);
  expect((await service.mint(ann)).status).toBe(201);
  clock.advance(-7 * 86_400);
  expect((await service.mint(ann)).status).toBe(201);
  refusedFor(await service.mint(ann), 30);
  clock.advance(30);
  expect((await service.mint(ann)).status).toBe(201);
});

test('a resend counts for the cool-down of the next mint, and of the next resend', async () => {
  for (const decoy of [false, true]) {
    const service = await start();
    const { id, recipient } = (await service.mint({ decoy })).body;
    clock.advance(31);
    expect((await service.api('POST', `/v1/links/${id}/resend`)).status).toBe(202);
    clock.advance(10);
    refusedFor(await service.mint({ recipient, decoy }), 20);
    refusedFor(await service.api('POST', `/v1/links/${id}/resend`), 20);
    clock.advance(20);
    expect((await service.mint({ recipient, decoy })).status).toBe(201);
  }
});

test('resends of a link that lives for days fill the windows of their own time', async () => {
  const service = await start();
  const body = { purpose: 'email-verification', expiresIn: 7 * 86_400 };
  const { id, recipient } = (await service.mint(body)).body;
  const sent = (): Promise<unknown> =>
    eventually(async () => (await service.api('GET', `/v1/links/${id}`)).body.delivery.status === 'sent');
  await sent();
  clock.advance(3 * 86_400);
  const answers: Answer[] = [];
  for (let resend = 0; resend < 11; resend++) {
    answers.push(await service.api('POST', `/v1/links/${id}/resend`));
    await sent();
    clock.advance(31);
  }
  expect(answers.map(({ status }) => status)).toEqual([...Array(10).fill(202), 429]);
  expectProblem(await service.mint({ recipient, purpose: 'password-reset' }), 'rate_limited');
});

test('no row goes while a limit or an Idempotency-Key counts it, however short RETENTION is', async () => {
  const daily = new TemplatesCopy();
  daily.edit('purposes/magic-link/purpose.yaml', 'limits:\n', 'limits:\n  perSubject: { 3d: 2 }\n');
  const service = await start({ RETENTION: '1h', TEMPLATES_DIR: daily.directory });
  const mint = (): Promise<Answer> =>
    service.mint({ ...link, subject: 'user', recipient: 'ann@example.com', delivery: 'return', expiresIn: 1 });
  const headers = { 'idempotency-key': 'asked-once' };
  const body = mintBody({ ...link, delivery: 'return', expiresIn: 1 });
  expect([(await mint()).status, (await mint()).status]).toEqual([201, 201]);
  clock.advance(2 * 86_400);
  const { id } = (await service.api('POST', '/v1/links', body, headers)).body;
  clock.advance(23 * 3_600);
  service.app.get(Courier).wake();
  // The sweeper has come by: what ended more than a day ago has no recipient any more.
  const items = await eventually(async () => {
    const listed = (await service.api('GET', '/v1/links?subject=user')).body.items;
    return listed.every(({ recipient }: { recipient: unknown }) => recipient === null) && listed;
  });
  expect(items).toHaveLength(2);
  refusedFor(await mint(), 3_600);
  expect((await service.api('POST', '/v1/links', body, headers)).body.id).toBe(id);
  daily.discard();
});
