import { APP_STORE, redirectUriFault, type AppStore } from '../../src/apps/app.js';
import { addApp } from '../support/apps.js';
import { mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { Visitor, codeIn } from '../support/visitor.js';

const APP = 'https://app.example/callback';
const REGISTERED = [
  APP,
  'https://app.example:8443/a%2Fb/c;d?keep=%20&flag&x=a+b',
  'https://app.example',
  'http://127.0.0.1:5173/cb?next=%2Fhome%3Fa%3D1',
  'com.example.app:/done',
];

let service: TestService;
beforeAll(async () => {
  service = await startService({ env: { REDIRECT_URIS: REGISTERED.join(',') } });
});
afterAll(() => service.stop());

/** What has opened redirectors elsewhere: ways to name another host, and ways to nearly name ours. */
function payloads(): string[] {
  const evil = 'evil.example';
  const hosts = [
    evil, `${evil}.`, `app.example.${evil}`, `${evil}%00app.example`, `app.example%2e${evil}`, `app.example@${evil}`,
    `app.example:443@${evil}`, `app.example%40${evil}`, `app.example\\@${evil}`, `app.example\\.${evil}`, `${evil}\\app.example`,
    `${evil}#app.example`, `${evil}?app.example`, `${evil};app.example`, `${evil}%23app.example`, `app.example。${evil}`,
    'app．example', 'ａｐｐ.example', 'app。example', 'app%E3%80%82example', 'xn--app-.example', 'app.example.', 'app.example:0443',
    'APP.EXAMPLE', 'app.example:443', 'app.example:', 'user@app.example', ':@app.example', 'app.exampl\u0435', '[::1]', '127.1',
    '0x7f.1', '2130706433', 'localhost', 'localtest.me', '169.254.169.254',
  ]; // prettier-ignore
  const schemes = ['https://', 'http://', '//', '///', '////', '\\\\', '/\\', '\\/', 'https:', 'https:/', 'https:\\\\', 'hTTps://', ' https://', '\thttps://', 'https\n://', 'ftp://', 'file://']; // prettier-ignore
  const paths = ['..', '%2f..', '%2e%2e', './callback', 'x/../callback', '%5c..', 'callback%00', 'callback%0d%0aSet-Cookie:a=b', 'callback/', 'Callback', 'callback//', 'callback;x', 'callback?', 'callback?x=1', 'callback#', 'callback#x', 'callback%20', 'callback ', '%63allback', 'callback/..;/', 'callback\u202e', '//evil.example']; // prettier-ignore
  const whole = ['javascript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', 'blob:https://app.example/x', 'about:blank', '', '/', '/callback', 'callback', '?', '#', 'null', '*', 'https://*', `${APP},${APP}`, `${APP} ${APP}`, `[${APP}]`, 'com.example.app:/done/', 'com.example.app:/done?', 'COM.example.app:/done', 'com.example.app://done']; // prettier-ignore
  const foreign = schemes.flatMap((scheme) => hosts.map((host) => `${scheme}${host}/callback`));
  const near = paths.map((path) => `https://app.example/${path}`);
  return [...foreign, ...near, ...whole].filter((uri) => !REGISTERED.includes(uri));
}

test('no other spelling of a redirect URI is taken for a registered one, at mint', async () => {
  const all = payloads();
  expect(all.length).toBeGreaterThan(600);
  const answers = await Promise.all(all.map((redirectUri) => service.mint({ redirectUri, subject: 'payload' })));
  const taken = answers
    .map(({ body }, index) => [all[index], body.code])
    .filter(([, code]) => code !== 'redirect_uri_not_allowed');
  expect(taken).toEqual([]);
  expect((await service.api('GET', '/v1/links?subject=payload')).body.items).toEqual([]);
}, 60_000);

test.each([
  'javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'vbscript:x', 'blob:https://app.example/x',
  'http://app.example/callback', '//app.example/callback', '/callback', 'https://user@app.example/', 'https://app.example/#x',
  'https://app.example/#', 'https://app.example/?code=1', 'https://app.example/?a=b&iss=x', '',
])('%j cannot be registered', (uri) => {
  expect(redirectUriFault(uri)).toEqual(expect.any(String));
}); // prettier-ignore

describe.each(['password-reset', 'magic-link', 'email-verification'])('%s', (purpose) => {
  test.each(REGISTERED)('leads to %s to the byte, with our parameters added and nothing else', async (redirectUri) => {
    const link = await service.mintReturned({ purpose, redirectUri });
    const visitor = new Visitor(service);
    const answers: Answer[] = [
      await visitor.open(link.url),
      await visitor.open(`${link.url}?redirectUri=https://evil.example&next=//evil.example`),
      await visitor.press(link.id, undefined, { redirectUri: 'https://evil.example', next: '//evil.example' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(answers.map(({ headers }) => headers.get('location')!).slice(0, 2)).toEqual([
      `/links/${link.id}`,
      `/links/${link.id}`,
    ]);
    const location = answers[2]!.headers.get('location')!;
    const joint = redirectUri.includes('?') ? '&' : '?';
    const iss = encodeURIComponent(service.settings.publicUrl);
    expect(location).toBe(`${redirectUri}${joint}code=${codeIn(answers[2]!)}&purpose=${purpose}&iss=${iss}`);
    expect(new URL(location).host).toBe(new URL(redirectUri).host);
    // The address of the person and the link's own token stay behind.
    expect(location).not.toContain(link.token);
    expect(decodeURIComponent(location)).not.toContain('@');
  });
});

test('what the app has taken back since the mint leads nowhere any more, and a link is not used up by finding out', async () => {
  const caller = await addApp(service, 'shop', ['https://shop.example/new', 'https://shop.example/old']);
  const mint = async (purpose: string) =>
    (
      await caller(
        'POST',
        '/v1/links',
        mintBody({ purpose, delivery: 'return', redirectUri: 'https://shop.example/old' }),
      )
    ).body as { id: string; url: string };
  const [reset, verification] = [await mint('password-reset'), await mint('email-verification')];
  await service.app
    .get<AppStore>(APP_STORE)
    .save({ id: 'shop', name: 'Shop', redirectUris: ['https://shop.example/new'] });
  const refused = await new Visitor(service).confirm(reset);
  expect([refused.status, refused.headers.get('location')]).toEqual([422, null]);
  expect((await caller('GET', `/v1/links/${reset.id}`)).body.status).toBe('active');
  const done = await new Visitor(service).confirm(verification);
  expect([done.status, done.headers.get('location'), /confirmed/.test(done.text)]).toEqual([200, null, true]);
  expect(refused.text + done.text).not.toContain('/old');
});

test('a link without one of its own leads to the first', async () => {
  const link = await service.mintReturned();
  const visitor = new Visitor(service);
  expect((await visitor.confirm(link)).headers.get('location')).toMatch(/^https:\/\/app\.example\/callback\?code=/);
});

test('the token does not say where to, so no token can lead elsewhere', async () => {
  const { token } = await service.mintReturned({ redirectUri: REGISTERED[1] });
  expect(Buffer.from(token.split('.')[1]!, 'base64url').toString()).not.toMatch(/app\.example|redirect/);
});
