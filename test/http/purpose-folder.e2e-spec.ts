import PostalMime from 'postal-mime';
import { urlIn } from '../support/relay.js';
import { eventually, startService, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';
import { Visitor, codeIn } from '../support/visitor.js';

const INVITATION = {
  'purpose.yaml': `expiresIn: { default: 3d, max: 5d }
reissue: keep
redeemOn: app
codeLifetime: 2m
limits:
  cooldown: 0
  perRecipient: { 1h: 3 }
templateData:
  inviter: { type: string, required: true }
  seats: { type: number }
`,
  'en/mail.text.hbs': `Subject: {{inviter}} invites you to {{app.name}}

Come in{{#if seats}} ({{seats}} seats){{/if}}:
{{url}}
It works for {{lifetime}}.
`,
  'en/mail.html.hbs': `{{#> mail}}<p>{{inviter}} invites you.</p><a href="{{url}}">Come in</a><p>It works for {{lifetime}}.</p>{{/mail}}
`,
  'en/page.yaml': `confirm:
  title: Invitation
  heading: You are invited
  text: Press the button to join {{app.name}} within {{lifetime}}.
  button: Join
done:
  title: Welcome
  heading: Welcome
  text: That is all.
`,
};

let templates: TemplatesCopy;
const running: TestService[] = [];
beforeEach(() => {
  templates = new TemplatesCopy();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
  templates.discard();
});

async function start(): Promise<TestService> {
  const env = { TEMPLATES_DIR: templates.directory, REDIRECT_URIS: 'https://app.example/callback' };
  const service = await startService({ env });
  running.push(service);
  return service;
}

function addInvitation(): void {
  for (const [file, text] of Object.entries(INVITATION)) templates.write(`purposes/invitation/${file}`, text);
}

/** The mail to a recipient, once it is there. */
async function mailTo(service: TestService, recipient: string) {
  const mail = await eventually(() => service.inbox.list().find(({ to }) => to === recipient));
  return PostalMime.parse(mail.raw);
}

describe('a folder alone', () => {
  test('is a purpose: minted, mailed, confirmed and redeemed by its own policy and words', async () => {
    addInvitation();
    const service = await start();
    const body = {
      purpose: 'invitation',
      recipient: 'guest@example.com',
      templateData: { inviter: "Zoë O'Hara & Co", seats: 2 },
    };
    const minted = await service.mint(body);
    expect(minted.status).toBe(201);
    expect(Date.parse(minted.body.expiresAt) - Date.parse(minted.body.createdAt)).toBeGreaterThan(
      3 * 86_400_000 - 1_000,
    );

    const mail = await mailTo(service, 'guest@example.com');
    expect(mail.subject).toBe("Zoë O'Hara & Co invites you to Oncelink");
    expect(mail.text).toContain('Come in (2 seats):');
    expect(mail.text).toContain('It works for 3 days.');
    expect(mail.html).toContain('Zoë O&#x27;Hara &amp; Co invites you.');
    const url = urlIn(mail.text);

    const visitor = new Visitor(service);
    await visitor.open(url);
    const page = await visitor.get(`/links/${minted.body.id}`);
    expect(page.text).toContain('You are invited');
    expect(page.text).toContain('join Oncelink within 3 days');
    const code = codeIn(await visitor.press(minted.body.id));
    const { exp, iat } = JSON.parse(Buffer.from(code.split('.')[1]!, 'base64url').toString());
    expect(exp - iat).toBe(120);
    const redeemed = await service.api('POST', '/v1/links/redeem', { code, purpose: 'invitation' });
    expect(redeemed.body.link).toMatchObject({ id: minted.body.id, purpose: 'invitation', status: 'redeemed' });

    // Its own limits: no cool-down, three an hour.
    expect([(await service.mint(body)).status, (await service.mint(body)).status]).toEqual([201, 201]);
    expect((await service.mint(body)).body.code).toBe('rate_limited');
    const listed = (await service.api('GET', '/v1/purposes')).body.items.find(
      ({ name }: { name: string }) => name === 'invitation',
    );
    expect(listed).toMatchObject({ expiresIn: { default: 259_200, max: 432_000 }, reissue: 'keep', codeLifetime: 120 });
  });

  test('asks for the variables it declares, by their types', async () => {
    addInvitation();
    const service = await start();
    const lure = { inviter: 'Visit evil.example' };
    for (const templateData of [
      undefined,
      {},
      { inviter: null },
      { inviter: 7 },
      { inviter: 'Ann', seats: '2' },
      lure,
    ]) {
      const { status, body } = await service.mint({ purpose: 'invitation', templateData });
      expect([status, body.code]).toEqual([422, 'request_invalid']);
      expect(body.errors[0].pointer).toMatch(/^\/templateData/);
    }
  });

  test('may be taken away again: its links are then those of no purpose', async () => {
    templates.remove('purposes/magic-link');
    const service = await start();
    expect((await service.mint({ purpose: 'magic-link' })).body.code).toBe('request_invalid');
    expect((await service.mint({ purpose: 'password-reset' })).status).toBe(201);
  });

  test('mails the app’s own page if it says landing: app', async () => {
    addInvitation();
    templates.edit('purposes/invitation/purpose.yaml', 'redeemOn: app', 'redeemOn: app\nlanding: app');
    const service = await start();
    await service.mint({ purpose: 'invitation', recipient: 'lands@example.com', templateData: { inviter: 'Ann' } });
    const url = new URL(urlIn((await mailTo(service, 'lands@example.com')).text));
    expect(url.origin + url.pathname).toBe('https://app.example/callback');
    const token = url.searchParams.get('token');
    expect((await service.api('POST', '/v1/links/redeem', { token, purpose: 'invitation' })).status).toBe(200);
  });

  test('that says binding: required wants the browser’s secret at mint and at redemption', async () => {
    addInvitation();
    templates.edit('purposes/invitation/purpose.yaml', 'redeemOn: app', 'redeemOn: app\nbinding: required');
    const service = await start();
    const body = { purpose: 'invitation', templateData: { inviter: 'Ann' } };
    expect((await service.mint(body)).body.errors[0].pointer).toBe('/codeChallenge');
    // RFC 7636, appendix B
    const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
    const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
    const { token } = await service.mintReturned({ ...body, codeChallenge });
    const redeem = (more: object) => service.api('POST', '/v1/links/redeem', { token, purpose: 'invitation', ...more });
    expect((await redeem({})).body.code).toBe('binding_mismatch');
    expect((await redeem({ codeVerifier })).body.sameBrowser).toBe(true);
  });
});

describe('the words', () => {
  beforeEach(() => {
    templates.copy('purposes/password-reset/en', 'purposes/password-reset/de');
    templates.edit(
      'purposes/password-reset/de/mail.text.hbs',
      'Subject: Reset your password for {{app.name}}',
      'Subject: Neues Passwort für {{app.name}}',
    );
    templates.edit(
      'purposes/password-reset/de/page.yaml',
      'heading: Choose a new password',
      'heading: Neues Passwort wählen',
    );
  });

  test.each([
    ['de-AT', 'Neues Passwort für Oncelink', 'de', 'Neues Passwort wählen'],
    ['de', 'Neues Passwort für Oncelink', 'de', 'Neues Passwort wählen'],
    ['DE-at', 'Neues Passwort für Oncelink', 'de', 'Neues Passwort wählen'],
    ['de-Latn-AT-1996', 'Neues Passwort für Oncelink', 'de', 'Neues Passwort wählen'],
    ['sv', 'Reset your password for Oncelink', 'en', 'Choose a new password'],
    ['den', 'Reset your password for Oncelink', 'en', 'Choose a new password'],
  ])('of %s are the nearest there are: %s', async (locale, subject, lang, heading) => {
    const service = await start();
    const { id } = (await service.mint({ locale, recipient: 'speaks@example.com' })).body;
    const mail = await mailTo(service, 'speaks@example.com');
    expect(mail.subject).toBe(subject);
    expect(mail.html).toContain(`lang="${lang}"`);
    const visitor = new Visitor(service);
    await visitor.open(urlIn(mail.text));
    const page = await visitor.get(`/links/${id}`);
    expect(page.text).toContain(`<html lang="${lang}"`);
    expect(page.text).toContain(`<h1>${heading}</h1>`);
  });
});

describe('a fault in a folder stops the start and is told with its file and line:', () => {
  const policy = 'purposes/password-reset/purpose.yaml';
  const html = 'purposes/password-reset/en/mail.html.hbs';
  const text = 'purposes/password-reset/en/mail.text.hbs';
  const page = 'purposes/password-reset/en/page.yaml';

  /** What the start says. */
  async function faultOfStart(): Promise<string> {
    return start().then(
      () => 'it started',
      (error: Error) => error.message,
    );
  }

  test.each([
    ['a duration that is none', policy, 'deliverWithin: 2h', 'deliverWithin: soon', /deliverWithin/],
    ['a life above the ceiling', policy, 'max: 24h', 'max: 25h', /24h/],
    ['a default outside its bounds', policy, 'default: 30m', 'default: 2d', /expiresIn/],
    ['a setting that is not known', policy, 'reissue: supersede', 'reisue: supersede', /reisue|[Uu]nrecognized/],
    ['a choice that is none', policy, 'redeemOn: app', 'redeemOn: browser', /redeemOn/],
    ['a setting twice', policy, 'redeemOn: app', 'landing: hosted', /unique|twice|duplicate/i],
    ['YAML that is broken', policy, 'redeemOn: app', '\tredeemOn: app', /./],
    ['a limit that is none', policy, '1h: 10', '1h: ten', /perRecipient/],
    ['a limit over no window', policy, '1h: 10', 'hourly: 10', /perRecipient/],
    ['a variable every mail has', policy, 'name: { type: string', 'url: { type: string', /url/],
    ['a kind that is none', policy, 'expiresIn:', 'kind: newsletter\nexpiresIn:', /kind/],
    [
      'a notification with a life',
      'purposes/password-changed/purpose.yaml',
      'deliverWithin:',
      'expiresIn: 30m\ndeliverWithin:',
      /expiresIn: is for links/,
    ],
    [
      'a notification with a link',
      'purposes/password-changed/en/mail.text.hbs',
      'If it was not you',
      '{{url}} If it was not you',
      /unknown variable/,
    ],
    [
      'a code on a screen that is asked for by nobody',
      policy,
      'oneTimeCode: none',
      'oneTimeCode: screen',
      /oneTimeCode: can be screen only with binding: required/,
    ],
    ['a code that lives too long', policy, 'codeLifetime: 5m', 'codeLifetime: 1h', /codeLifetime/],
    [
      'an unknown variable in the HTML part',
      html,
      'A new password was',
      '{{usrename}} A new password was',
      /usrename|unknown variable/,
    ],
    ['an unknown variable in the text part', text, 'To choose it', '{{usrename}} To choose it', /unknown variable/],
    ['an unknown variable in a condition', text, '{{#if name}}', '{{#if nmae}}', /unknown variable/],
    ['a triple-stash', html, 'A new password was', '{{{name}}} A new password was', /unescaped|\{\{\{/],
    [
      'an ampersand that leaves a value unescaped',
      html,
      'A new password was',
      '{{&name}} A new password was',
      /unescaped/,
    ],
    ['a way to a prototype', html, 'A new password was', '{{name.constructor}} A new password was', /unknown variable/],
    ['a helper', text, 'To choose it', '{{lookup name 1}} To choose it', /helper/],
    ['a block that is closed by another name', html, '{{/heading}}', '{{/headline}}', /./],
    ['a brace too few', html, '{{/heading}}', '{{/heading}', /./],
    ['a text part without a subject', text, 'Subject: Reset', 'Reset', /Subject/],
    ['an unknown variable on the page', page, 'and choose it there', 'and choose {{it}} there', /unknown variable/],
  ])('%s', async (_what, file, part, replacement, words) => {
    const line = templates.edit(file, part, replacement);
    const message = await faultOfStart();
    const at = new RegExp(`${templates.path(file)}:(\\d+) (.*)`).exec(message);
    expect(message).toMatch(/fault/);
    expect(at?.[2]).toMatch(words);
    // A parser notices some faults only on the next line.
    expect([line, line + 1]).toContain(Number(at?.[1]));
  });

  test.each([
    ['no text part', text],
    ['no HTML part', html],
    ['no words for the page', page],
    ['no policy', policy],
  ])('%s', async (_what, file) => {
    templates.remove(file);
    const message = await faultOfStart();
    expect(message).toContain(`${templates.path(file)}:1 `);
    expect(message).toMatch(/missing/);
  });

  test('no English words, which are the last fallback', async () => {
    templates.copy('purposes/magic-link/en', 'purposes/magic-link/de');
    templates.remove('purposes/magic-link/en');
    expect(await faultOfStart()).toContain(templates.path('purposes/magic-link/en'));
  });

  test('a name that is none', async () => {
    templates.copy('purposes/magic-link', 'purposes/Magic Link');
    expect(await faultOfStart()).toMatch(/purposes\/Magic Link\/purpose\.yaml:1 .*lower-case/);
  });

  test('faults of policies, mails and pages are told together', async () => {
    templates.edit('purposes/magic-link/purpose.yaml', 'redeemOn: app', 'redeemOn: nobody');
    templates.edit(html, '{{/heading}}', '{{nonsense}}{{/heading}}');
    templates.edit(page, 'and choose it there', 'and choose {{it}} there');
    const message = await faultOfStart();
    for (const place of [
      'magic-link/purpose.yaml:',
      'password-reset/en/mail.html.hbs:',
      'password-reset/en/page.yaml:',
    ])
      expect(message).toContain(place);
  });

  test('several faults of the policies are told together', async () => {
    templates.edit(policy, 'deliverWithin: 2h', 'deliverWithin: soon');
    templates.edit('purposes/magic-link/purpose.yaml', 'redeemOn: app', 'redeemOn: nobody');
    const message = await faultOfStart();
    expect(message).toMatch(/password-reset\/purpose\.yaml:\d+ deliverWithin/);
    expect(message).toMatch(/magic-link\/purpose\.yaml:\d+ redeemOn/);
  });
});
