import PostalMime from 'postal-mime';
import { urlIn } from '../support/relay.js';
import { Courier } from '../../src/links/courier.js';
import { eventually, HandSetClock, startService, type Answer, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';
import { nonceIn, SAME_ORIGIN, Visitor } from '../support/visitor.js';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const clock = new HandSetClock();
let service: TestService;
beforeAll(async () => {
  service = await startService({ clock, env: { REDIRECT_URIS: 'https://app.example/callback' } });
});
afterAll(() => service.stop());

let people = 0;
interface Person {
  recipient: string;
  subject: string;
  purpose: string;
}
const person = (body: object = {}): Person => {
  people += 1;
  const [recipient, subject] = [`late-${people}@example.com`, `late_${people}`];
  return { purpose: 'password-reset', recipient, subject, ...body };
};
const mailsTo = (recipient: string) => service.inbox.list().filter(({ to }) => to === recipient);
/** The newest mail's link, once there are so many. */
async function mailed({ recipient }: Person, count = 1): Promise<string> {
  const [newest] = await eventually(() => mailsTo(recipient).length >= count && mailsTo(recipient));
  return urlIn((await PostalMime.parse(newest!.raw)).text);
}
const linksOf = async ({ subject }: Person) => (await service.api('GET', `/v1/links?subject=${subject}`)).body.items;

/** Opens a link that has run out. @returns its page, and a way to press "send me a new one" */
async function comeLate(url: string) {
  const visitor = new Visitor(service);
  const page = await visitor.open(url);
  const action = /action="([^"]*\/renew)"/.exec(page.text)?.[1];
  const press = (headers: Record<string, string> = SAME_ORIGIN, form = {}): Promise<Answer> =>
    service.request('POST', action!, {
      body: new URLSearchParams(form).toString(),
      headers: { ...FORM, ...(visitor.cookie && { cookie: visitor.cookie }), ...headers },
    });
  return { visitor, page, action, press };
}
/** A link that was mailed and has expired. */
async function expired(body: object = {}): Promise<{ late: Person; url: string }> {
  const late = person(body);
  await service.mint(late);
  const url = await mailed(late);
  clock.advance(3_600);
  return { late, url };
}

test('an expired link’s page sends a new one, to whom it does not say', async () => {
  const { late, url } = await expired({
    data: { cart: 7 },
    fingerprint: 'password-1',
    redirectUri: 'https://app.example/callback',
    locale: 'de',
  });
  const { page, press } = await comeLate(url);
  expect([page.status, page.text]).toEqual([410, expect.stringContaining('Neuen Link senden')]);
  expect(page.text).not.toContain(late.recipient);
  expect(page.text).toContain('href="https://app.example/"');
  const answer = await press();
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('Posteingang')]);

  const token = (await mailed(late, 2)).split('/l/')[1]!;
  const [renewed, first] = await linksOf(late);
  expect(renewed).toMatchObject({
    status: 'active',
    data: { cart: 7 },
    renews: first.id,
    recipient: late.recipient,
    redirectUri: 'https://app.example/callback',
    locale: 'de',
    openedAt: null,
  });
  expect([first.status, first.renews]).toEqual(['superseded', undefined]);
  // What it depends on is still the state of the first mint.
  const redeem = (fingerprint?: string, key?: string) =>
    service.api(
      'POST',
      '/v1/links/redeem',
      { token, purpose: late.purpose, fingerprint },
      key ? { 'idempotency-key': key } : {},
    );
  expect((await redeem('password-2')).body.code).toBe('fingerprint_mismatch');
  expect((await redeem()).body.code).toBe('fingerprint_mismatch');
  const inspect = { token, purpose: late.purpose, fingerprint: 'password-1' };
  expect((await service.api('POST', '/v1/links/inspect', inspect)).status).toBe(200);
  expect((await redeem('password-1', 'once')).body.link).toMatchObject({ id: renewed.id, status: 'redeemed' });
  expect((await redeem('password-1', 'once')).headers.get('idempotency-replayed')).toBe('true');
  expect((await redeem('password-1')).body.code).toBe('link_redeemed');
});

test('of many who redeem a renewed link with its fingerprint at once, one wins', async () => {
  const { late, url } = await expired({ fingerprint: 'password-1' });
  await (await comeLate(url)).press();
  const token = (await mailed(late, 2)).split('/l/')[1]!;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      service.api('POST', '/v1/links/redeem', { token, purpose: late.purpose, fingerprint: 'password-1' }),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('an old mail’s button mails the newer link again and ends nothing', async () => {
  const late = person();
  await service.mint(late);
  const old = await mailed(late);
  clock.advance(60);
  const newest = (await service.mint(late)).body;
  await mailed(late, 2);
  clock.advance(60);
  const { page, press } = await comeLate(old);
  expect([page.status, page.text]).toEqual([410, expect.stringContaining('only that one works now')]);
  expect((await press()).status).toBe(200);
  const again = await mailed(late, 3);
  expect((await linksOf(late)).map(({ id, status }: { id: string; status: string }) => [id, status])).toEqual([
    [newest.id, 'active'],
    [expect.any(String), 'superseded'],
  ]);
  expect(
    (await service.api('POST', '/v1/links/redeem', { token: again.split('/l/')[1], purpose: late.purpose })).status,
  ).toBe(200);
});

test('what the app handed over itself since is neither mailed nor ended', async () => {
  const { late, url } = await expired();
  const { id } = await service.mintReturned(late);
  await (await comeLate(url)).press();
  const items = await linksOf(late);
  expect(items.map((link: { id: string; status: string }) => [link.id, link.status])[0]).toEqual([id, 'active']);
  expect(items).toHaveLength(2);
});

test('the answer is the same whether a limit held the mail back', async () => {
  const { late, url } = await expired();
  const { press } = await comeLate(url);
  const answers = [await press(), await press(), await press()];
  await mailed(late, 2);
  expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(3).fill([200, answers[0]!.text]));
  await service.app.get(Courier).runOnce();
  expect(mailsTo(late.recipient)).toHaveLength(2);
});

test('takes the page’s own form only, and no GET does anything', async () => {
  const { late, url } = await expired();
  const { page, action, press, visitor } = await comeLate(url);
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, {}])
    expect((await press(headers as Record<string, string>)).status).toBe(403);
  for (const method of ['GET', 'HEAD', 'OPTIONS']) await visitor.get(action!, {}, method);
  const stranger = await service.request('POST', action!, { body: '', headers: { ...FORM, ...SAME_ORIGIN } });
  expect(stranger.status).toBe(400);
  expect(await linksOf(late)).toHaveLength(1);
  // The page without its token in the address bar offers the same.
  const id = action!.split('/')[2]!;
  expect((await visitor.get(`/links/${id}`)).text).toContain(action);
  expect((await press({}, { nonce: nonceIn(page) })).status).toBe(200);
  expect(await linksOf(late)).toHaveLength(2);
});

test('a link whose token alone has run out is mailed again as itself', async () => {
  const { late, url } = await expired();
  const first = (await linksOf(late))[0];
  await (await comeLate(url)).press();
  const second = await mailed(late, 2);
  clock.advance(1_000);
  const { id } = (await linksOf(late))[0];
  expect((await service.api('POST', `/v1/links/${id}/resend`)).status).toBe(202);
  await mailed(late, 3);
  clock.advance(1_000);
  // The second mail's own token has expired, its link has not.
  const { press } = await comeLate(second);
  expect((await press()).status).toBe(200);
  await mailed(late, 4);
  expect((await linksOf(late)).map((link: { id: string }) => link.id)).toEqual([id, first.id]);
});

test.each([
  [
    'used',
    'already been used',
    async (late: Person, url: string) => {
      await service.api('POST', '/v1/links/redeem', { token: url.split('/l/')[1], purpose: late.purpose });
    },
  ],
  [
    'withdrawn',
    'no longer valid',
    async (late: Person) => {
      await service.api('POST', '/v1/links/revoke', { subject: late.subject });
    },
  ],
])('a %s link offers none, but the way to the app', async (_what, words, end) => {
  const late = person();
  await service.mint(late);
  const url = await mailed(late);
  await end(late, url);
  const { page, action } = await comeLate(url);
  expect([page.status, action]).toEqual([410, undefined]);
  expect(page.text).toContain(words);
  expect(page.text).toContain('href="https://app.example/"');
  expect(page.text).toContain('Back to Oncelink');
});

test('a returned link, and one whose recipient is forgotten, offer none', async () => {
  const { url } = await service.mintReturned({ expiresIn: 30 });
  clock.advance(31);
  expect((await comeLate(url)).action).toBeUndefined();

  const { late, url: forgotten } = await expired();
  const open = await comeLate(forgotten);
  expect(open.action).toBeDefined();
  clock.advance(2 * 86_400);
  service.app.get(Courier).wake();
  await eventually(async () => (await linksOf(late))[0].recipient === null);
  const { page, action } = await comeLate(forgotten);
  expect([page.status, action]).toEqual([410, undefined]);
  expect(page.text).toContain('go back to where you asked for it');
  expect((await open.press()).status).toBe(410);
});

test('a link that runs out while its page is open: the button’s answer offers a new one, and that one is sent', async () => {
  const late = person();
  await service.mint(late);
  const url = await mailed(late);
  const visitor = new Visitor(service);
  await visitor.open(url);
  const [{ id }] = await linksOf(late);
  expect((await visitor.get(`/links/${id}`)).status).toBe(200);
  clock.advance(1_801);
  const answer = await visitor.press(id);
  expect([answer.status, answer.text]).toEqual([410, expect.stringContaining(`action="/links/${id}/renew"`)]);
  expect(answer.headers.get('set-cookie')).toContain('Max-Age=3600');
  const renewing = await service.request('POST', `/links/${id}/renew`, {
    body: '',
    headers: { ...FORM, cookie: visitor.cookie!, ...SAME_ORIGIN },
  });
  expect(renewing.status).toBe(200);
  expect(await mailed(late, 2)).not.toBe(url);
});

test('the cookie outlives its link by the time that the page may be left open', async () => {
  const late = person({ expiresIn: 600 });
  await service.mint(late);
  const visitor = new Visitor(service);
  await visitor.open(await mailed(late));
  expect(Number(/Max-Age=(\d+)/.exec(visitor.setCookie!)![1])).toBe(600 + 3_600);
});

test('a purpose may leave it to the app: renew: false', async () => {
  const templates = new TemplatesCopy();
  templates.edit('purposes/password-reset/purpose.yaml', 'redeemOn: app', 'redeemOn: app\nrenew: false');
  const strict = await startService({ clock, env: { TEMPLATES_DIR: templates.directory } });
  try {
    const { recipient } = (await strict.mint()).body;
    const stored = await eventually(() => strict.inbox.list().find(({ to }) => to === recipient));
    const url = urlIn((await PostalMime.parse(stored.raw)).text);
    clock.advance(3_600);
    const page = await strict.request('GET', url.replace(strict.settings.publicUrl, ''));
    expect([page.status, page.text]).toEqual([410, expect.not.stringContaining('/renew')]);
  } finally {
    await strict.stop();
    templates.discard();
  }
});
