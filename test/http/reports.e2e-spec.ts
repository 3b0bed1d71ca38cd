import PostalMime from 'postal-mime';
import { expectProblem } from '../support/problem.js';
import { reportUrlIn, urlIn } from '../support/relay.js';
import { eventually, HandSetClock, startService, type Answer, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';
import { nonceIn, SAME_ORIGIN } from '../support/visitor.js';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const clock = new HandSetClock();
let service: TestService;
beforeAll(async () => {
  service = await startService({ clock, env: { REDIRECT_URIS: 'https://app.example/callback' } });
});
afterAll(() => service.stop());

interface Mailed {
  id: string;
  recipient: string;
  url: string;
  report: string;
}
async function mailed(body: object = {}): Promise<Mailed> {
  const { id, recipient } = (await service.mint(body)).body;
  const stored = await eventually(() => service.inbox.list().find(({ messageId }) => messageId.includes(id)));
  const { text } = await PostalMime.parse(stored.raw);
  return { id, recipient, url: urlIn(text), report: reportUrlIn(text) };
}
const pathOf = (url: string) => url.replace(service.settings.publicUrl, '');
/** Follows "this wasn't me". @returns the page, and a way to send its form */
async function open({ id, report }: Mailed) {
  const arrival = await service.request('GET', pathOf(report));
  const cookie = arrival.headers.get('set-cookie')?.split(';')[0] ?? '';
  const page = await service.request('GET', `/links/${id}/report`, { headers: { cookie } });
  const send = (address: string, headers: Record<string, string> = SAME_ORIGIN, form = {}): Promise<Answer> =>
    service.request('POST', `/links/${id}/report`, {
      body: new URLSearchParams({ address, ...form }).toString(),
      headers: { ...FORM, cookie, ...headers },
    });
  return { arrival, page, send };
}
const read = async (id: string) => (await service.api('GET', `/v1/links/${id}`)).body;

test('the mail leads there last, and the token leaves the address bar at once', async () => {
  const mail = await mailed();
  const { arrival, page } = await open(mail);
  expect([arrival.status, arrival.headers.get('location')]).toEqual([303, `/links/${mail.id}/report`]);
  expect(arrival.headers.get('set-cookie')).toMatch(
    new RegExp(`^oncelink-report=[^;]+; .*Path=/links/${mail.id}/report; HttpOnly; SameSite=Lax`),
  );
  expect(page.status).toBe(200);
  expect(page.text).toContain('You did not ask for this email?');
  expect(page.text).not.toContain(mail.recipient);
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*form-action 'self';/);
  for (const { headers } of [arrival, page])
    expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
});

test('whoever knows the address ends what is open, and pauses this kind of mail for a day', async () => {
  const recipient = 'Not.Me@example.com';
  const others = [
    await mailed({ recipient: 'somebody.else@example.com' }),
    await mailed({ recipient, purpose: 'magic-link' }),
  ];
  const reported = await mailed({ recipient });
  const returned = await service.mintReturned({ recipient, subject: 'another' });
  const { send } = await open(reported);
  const answer = await send(' not.me@EXAMPLE.com ');
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('Thank you')]);

  const now = new Date(clock.time).toISOString();
  expect(await read(reported.id)).toMatchObject({ status: 'revoked', revokedAt: now, reportedAt: now });
  expect(await read(returned.id)).toMatchObject({ status: 'revoked' });
  expect(await read(returned.id)).not.toHaveProperty('reportedAt');
  for (const { id } of others) expect((await read(id)).status).toBe('active');
  const { items } = (await service.api('GET', `/v1/suppressions?recipient=${recipient}`)).body;
  expect(items).toEqual([
    expect.objectContaining({
      purpose: 'password-reset',
      reason: 'reported',
      until: new Date(clock.time + 86_400_000).toISOString(),
    }),
  ]);

  clock.advance(60);
  expect((await service.mint({ recipient })).body.delivery.status).toBe('suppressed');
  expect((await service.mint({ recipient, purpose: 'magic-link' })).body.delivery.status).toBe('queued');
  clock.advance(86_400);
  expect((await service.mint({ recipient })).body.delivery.status).toBe('queued');
});

test('robots that follow, submit and guess change nothing', async () => {
  const mail = await mailed();
  const before = await read(mail.id);
  const { send } = await open(mail);
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    await service.request(method, pathOf(mail.report));
    await service.request(method, `/links/${mail.id}/report`);
  }
  for (const guess of ['', 'test@example.com', 'x', mail.recipient.replace('@', '+tag@')]) {
    const answer = await send(guess);
    expect([answer.status, answer.text]).toEqual([422, expect.stringContaining('nothing has been changed')]);
    expect(answer.text).not.toContain(mail.recipient);
  }
  expect((await send(mail.recipient, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await send(mail.recipient, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await send(mail.recipient, {})).status).toBe(403);
  const without = await service.request('POST', `/links/${mail.id}/report`, {
    body: new URLSearchParams({ address: mail.recipient }).toString(),
    headers: { ...FORM, ...SAME_ORIGIN },
  });
  expect(without.status).toBe(400);
  expect(await read(mail.id)).toEqual(before);
});

test('an address that is not the one stays in the field for people to check, and is harmless there', async () => {
  const { page, send } = await open(await mailed());
  const field = ({ text }: Answer) => /<input [^>]*name="address"[^>]*>/.exec(text)![0];
  expect(field(page)).toContain(' value="" ');
  expect(field(await send('somebody.else@example.com'))).toContain(' value="somebody.else@example.com" ');
  expect(field(await send(`'"><b>{{nonce}}`))).toContain(' value="&#x27;&quot;&gt;&lt;b&gt;{{nonce}}" ');
  expect(field(await send('x'.repeat(300)))).toContain(` value="${'x'.repeat(254)}" `);
});

test('a browser that sends neither header shows the nonce of the page', async () => {
  const mail = await mailed();
  const { page, send } = await open(mail);
  expect((await send(mail.recipient, {}, { nonce: nonceIn(page) })).status).toBe(200);
  expect((await read(mail.id)).status).toBe('revoked');
});

test('works after the link was used or has run out, and says thank you whenever it is opened again', async () => {
  const mail = await mailed();
  clock.advance(29 * 86_400);
  const { send } = await open(mail);
  expect((await send(mail.recipient)).status).toBe(200);
  const again = await open(mail);
  expect(again.page.text).toContain('Thank you');
  clock.advance(2 * 86_400);
  expect((await service.request('GET', pathOf(mail.report))).status).toBe(400);
});

test('its token and that of the link do not open each other’s pages', async () => {
  const mail = await mailed();
  const token = (url: string) => url.split('/').at(-1)!;
  expect((await service.request('GET', `/l/${token(mail.report)}`)).status).toBe(400);
  expect((await service.request('GET', `/r/${token(mail.url)}`)).status).toBe(400);
  const proof = { token: token(mail.report), purpose: 'password-reset' };
  expectProblem(await service.api('POST', '/v1/links/redeem', proof), 'token_invalid');
  const { code: _, ...claims } = JSON.parse(Buffer.from(proof.token.split('.')[1]!, 'base64url').toString());
  expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'purpose']);
});

test('a purpose may do without: pauseAfterReport: 0', async () => {
  const templates = new TemplatesCopy();
  templates.edit('purposes/password-reset/purpose.yaml', 'redeemOn: app', 'redeemOn: app\npauseAfterReport: 0');
  const quiet = await startService({ env: { TEMPLATES_DIR: templates.directory } });
  try {
    const { recipient } = (await quiet.mint()).body;
    const stored = await eventually(() => quiet.inbox.list().find(({ to }) => to === recipient));
    const { text, html } = await PostalMime.parse(stored.raw);
    expect(text!.match(/https?:/g)).toHaveLength(1);
    expect(html).not.toContain('/r/');
  } finally {
    await quiet.stop();
    templates.discard();
  }
});
