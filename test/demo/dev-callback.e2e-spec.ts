import { startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => void (service = await startService()));
afterAll(() => service.stop());

test('until there is an app of one’s own, the button leads to a page that says what an app would do', async () => {
  const { url } = await service.mintReturned({ purpose: 'magic-link' });
  const arrival = await fetch(url, { redirect: 'manual' });
  const cookie = arrival.headers.get('set-cookie')!.split(';')[0]!;
  const page = arrival.headers.get('location')!;
  const pressed = await service.request('POST', page, { headers: { cookie, 'sec-fetch-site': 'same-origin' } });
  const callback = new URL(pressed.headers.get('location')!);
  expect(callback.pathname).toBe('/dev/callback');

  const shown = await service.request('GET', callback.pathname + callback.search);
  expect(shown.status).toBe(200);
  expect(shown.text).toContain('/v1/links/redeem');

  // What it tells to paste works, and the page itself has used nothing up.
  const body = { purpose: 'magic-link', code: callback.searchParams.get('code') };
  expect((await service.api('POST', '/v1/links/redeem', body)).status).toBe(200);
});

test('it shows the call that fits the purpose, and what else a link may want', async () => {
  const shown = async (purpose: string) =>
    (await service.request('GET', `/dev/callback?code=a.b.c&purpose=${purpose}`)).text.match(
      /<pre[^]*<\/pre>|<code>(?:fingerprint|codeVerifier)/g,
    )!;
  for (const purpose of ['password-reset', 'magic-link', 'none']) {
    const [call, ...more] = await shown(purpose);
    expect(call).toMatch(/\/v1\/links\/redeem \\\n/);
    expect(call).not.toContain('/v1/links/inspect');
    expect(new Set(more)).toEqual(new Set(['<code>fingerprint', '<code>codeVerifier']));
  }
  const [call] = await shown('email-verification');
  expect(call).toMatch(/\/v1\/links\/inspect \\\n/);
  expect(call).not.toContain('/v1/links/redeem');
});

test('it shows nothing of a hostile address unescaped', async () => {
  const { text } = await service.request(
    'GET',
    `/dev/callback?code=${encodeURIComponent(`'"><script>alert(1)</script>`)}&purpose=%3Cb%3E`,
  );
  expect(text).not.toMatch(/<script|<b>/);
});

test('opened without a code, it says what it is for', async () => {
  const { status, text } = await service.request('GET', '/dev/callback');
  expect(status).toBe(200);
  expect(text).toContain('Nothing arrived');
});
