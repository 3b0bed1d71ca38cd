import PostalMime from 'postal-mime';
import { addApp, callerFor } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { eventually, HandSetClock, startService, type TestService } from '../support/service.js';

const clock = new HandSetClock(Date.UTC(2027, 0, 5, 14, 5));
let service: TestService;
beforeAll(async () => void (service = await startService({ clock })));
afterAll(() => service.stop());

let people = 0;
const bodyFor = (body: object = {}) => {
  people += 1;
  return { purpose: 'password-changed', recipient: `told-${people}@example.com`, subject: `user_${people}`, ...body };
};
const send = (body: object, headers?: Record<string, string>) =>
  service.api('POST', '/v1/notifications', body, headers);
const mailTo = async (recipient: string) =>
  PostalMime.parse((await eventually(() => service.inbox.list().find(({ to }) => to === recipient))).raw);

test('is told as it stands, and mailed without any address to open', async () => {
  const body = bodyFor({ recipient: 'Ann@EXAMPLE.com', locale: 'en-gb', templateData: { name: 'Ann' } });
  const answer = await send(body);
  expect(answer.status).toBe(201);
  expect(answer.body).toEqual({
    id: expect.stringMatching(/^[A-Za-z0-9_-]{30}$/),
    kind: 'notification',
    app: 'default',
    purpose: 'password-changed',
    recipient: 'Ann@example.com',
    status: 'queued',
    createdAt: '2027-01-05T14:05:00.000Z',
    nextAttemptAt: '2027-01-05T14:05:00.000Z',
    deliverBy: '2027-01-06T14:05:00.000Z',
    sentAt: null,
    lastError: null,
    resends: 0,
    attempts: [],
  });
  const { subject, text, html } = await mailTo('Ann@example.com');
  expect(subject).toBe('Your password for Oncelink was changed');
  expect(text).toContain('Hello Ann,');
  expect(text).toContain('14:05 UTC');
  expect(text + html!).not.toMatch(/https?:|href/);
  const sent = await eventually(async () => {
    const message = (await service.api('GET', answer.headers.get('location')!)).body;
    return message.status === 'sent' && message;
  });
  expect(sent).toMatchObject({ id: answer.body.id, kind: 'notification', sentAt: '2027-01-05T14:05:00.000Z' });
});

test('speaks of the device of a new sign-in, if it was told', async () => {
  const { recipient } = (
    await send(bodyFor({ purpose: 'new-sign-in', templateData: { device: 'Firefox on Windows' } }))
  ).body;
  expect((await mailTo(recipient)).text).toContain('with Firefox on Windows (');
});

test('is no link: not found, not listed, not withdrawn with the links of its subject or recipient', async () => {
  const body = bodyFor();
  const { id, recipient } = (await send(body)).body;
  expectProblem(await service.api('GET', `/v1/links/${id}`), 'not_found');
  expectProblem(await service.api('POST', `/v1/links/${id}/revoke`), 'not_found');
  expectProblem(await service.api('POST', `/v1/links/${id}/resend`), 'not_found');
  expect((await service.api('GET', `/v1/links?subject=${body.subject}`)).body.items).toEqual([]);
  expect((await service.api('POST', '/v1/links/revoke', { subject: body.subject })).body.revoked).toBe(0);
  expect((await service.api('POST', '/v1/links/revoke', { recipient })).body.revoked).toBe(0);
  await mailTo(recipient);
});

test('and a link are each refused as the other', async () => {
  expect((await send(bodyFor({ purpose: 'password-reset' }))).body.errors[0].pointer).toBe('/purpose');
  expect((await service.mint({ purpose: 'password-changed' })).body.errors[0].pointer).toBe('/purpose');
  for (const alien of [{ delivery: 'return' }, { expiresIn: 60 }, { data: {} }, { decoy: true }])
    expectProblem(await send(bodyFor(alien)), 'request_invalid');
  for (const bad of [{ recipient: 'a@b@c' }, { subject: 'two words' }, { templateData: { device: 'x' } }])
    expectProblem(await send(bodyFor(bad)), 'request_invalid');
});

test('is sent once for one Idempotency-Key, which is not that of a mint', async () => {
  const body = bodyFor();
  const headers = { 'idempotency-key': 'told-once' };
  const first = await send(body, headers);
  await mailTo(body.recipient);
  const again = await send(body, headers);
  expect([again.status, again.body]).toEqual([201, first.body]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expectProblem(await send({ ...body, subject: 'another' }, headers), 'idempotency_mismatch');
  expect((await service.mint({}, headers)).status).toBe(201);
  expect(service.inbox.list().filter(({ to }) => to === body.recipient)).toHaveLength(1);
});

test('is not mailed to somebody who gets no mail of the app, and says so', async () => {
  const recipient = 'bounced@example.com';
  await service.api('POST', '/v1/bounces', { recipient, kind: 'hard' });
  const answer = await send(bodyFor({ recipient }));
  expect([answer.status, answer.body.status]).toEqual([201, 'suppressed']);
});

test('has limits of its own, so that nobody can silence it by asking for links', async () => {
  const recipient = 'flooded@example.com';
  const statuses: number[] = [];
  for (let n = 0; n < 11; n++) statuses.push((await service.mint({ recipient, delivery: 'return' })).status);
  expect(statuses.at(-1)).toBe(429);
  const told: number[] = [];
  for (let n = 0; n < 11; n++) told.push((await send(bodyFor({ recipient }))).status);
  expect(told).toEqual([...Array<number>(10).fill(201), 429]);
  const refused = await send(bodyFor({ recipient }));
  expectProblem(refused, 'rate_limited');
  expect(Number(refused.headers.get('retry-after'))).toBe(3600);
});

test('wants the scope of minting', async () => {
  await addApp(service, 'reader');
  const reader = await callerFor(service, 'reader', ['links:read', 'links:redeem']);
  expectProblem(await reader('POST', '/v1/notifications', bodyFor()), 'forbidden');
  expectProblem(await service.request('POST', '/v1/notifications', { body: bodyFor() }), 'unauthorized');
});

test.each(['en', 'de', 'fr', 'es', 'it', 'pt-BR', 'ja', 'ar'])('is written in %s', async (locale) => {
  for (const purpose of ['password-changed', 'new-sign-in']) {
    const { recipient } = (await send(bodyFor({ purpose, locale }))).body;
    const { text, html } = await mailTo(recipient);
    expect(html).toContain(`lang="${locale}"`);
    expect(text).toMatch(/14.05/);
  }
});
