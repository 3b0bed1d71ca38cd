import { createHash } from 'node:crypto';
import { APP_STORE, type App, type AppStore } from '../../src/apps/app.js';
import { callerFor, type Caller } from '../support/apps.js';
import { Relay, urlIn } from '../support/relay.js';
import { mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { Visitor } from '../support/visitor.js';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const SHOP: App = {
  id: 'shop',
  name: 'The Shop',
  redirectUris: ['https://shop.example/auth'],
  colour: '#8a1c4a',
  logo: `data:image/png;base64,${PIXEL}`,
  from: { name: 'The Shop', address: 'hello@shop.example' },
  replyTo: 'help@shop.example',
};

let relay: Relay;
let service: TestService;
let shop: Caller;
beforeAll(async () => {
  relay = await Relay.start();
  service = await startService({ env: { SMTP_URL: relay.url, MAIL_FROM: 'Example Mail <no-reply@mail.example>' } });
  await service.app.get<AppStore>(APP_STORE).save(SHOP);
  shop = await callerFor(service, 'shop');
});
afterAll(async () => {
  await service.stop();
  await relay.stop();
});

async function mailOf(caller: Caller) {
  const { body } = await caller('POST', '/v1/links', mintBody());
  return { id: body.id as string, ...(await relay.mailTo(body.recipient)) };
}

/** The confirm page behind a mail. */
async function pageOf({ id, mail }: { id: string; mail: { text?: string } }): Promise<Answer> {
  const visitor = new Visitor(service);
  await visitor.open(urlIn(mail.text));
  return visitor.get(`/links/${id}`);
}

/** Every style element and picture of the page is one that its policy names. */
function expectPermitted(page: Answer): void {
  const policy = page.headers.get('content-security-policy')!;
  const styles = [...page.text.matchAll(/<style>([^]*?)<\/style>/g)].map(([, style]) => style!);
  for (const style of styles)
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
  expect(policy.match(/'sha256-/g)).toHaveLength(styles.length);
  expect(policy.includes('img-src')).toBe(/<img/.test(page.text));
}

test('the mails of an app come from its own sender, in the envelope and in the header, and answers go where it says', async () => {
  const { id, from, mail } = await mailOf(shop);
  expect(from).toBe('hello@shop.example');
  expect(mail.from).toEqual({ name: 'The Shop', address: 'hello@shop.example' });
  expect(mail.replyTo).toEqual([{ name: '', address: 'help@shop.example' }]);
  expect(mail.messageId).toBe(`<${id}@mail.example>`);
});

test('its colour and logo are in its mails; the logo travels inside, and says the name where images are off', async () => {
  const { mail } = await mailOf(shop);
  expect(mail.html).toMatch(/bgcolor="#8a1c4a"/);
  const [, cid] = /<img[^>]* src="cid:([^"]+)" alt="The Shop"/.exec(mail.html!)!;
  expect(mail.attachments).toHaveLength(1);
  const [logo] = mail.attachments;
  expect(logo).toMatchObject({ contentId: `<${cid}>`, mimeType: 'image/png', disposition: 'inline' });
  expect(Buffer.from(logo!.content as ArrayBuffer).toString('base64')).toBe(PIXEL);
  expect(mail.html).not.toMatch(/(?:src|href)="(?!cid:|http:\/\/localhost)/);
});

test('its pages have them, too, and nothing that their policy does not name', async () => {
  const page = await pageOf(await mailOf(shop));
  expect(page.text).toContain('--accent: #8a1c4a');
  expect(page.text).toMatch(/<img src="data:image\/png;base64,[^"]+" alt="The Shop">/);
  expectPermitted(page);
});

test('an app that has set nothing looks and sends as the service does', async () => {
  const sent = await mailOf(await callerFor(service));
  expect(sent.from).toBe('no-reply@mail.example');
  expect(sent.mail.replyTo).toBeUndefined();
  expect(sent.mail.attachments).toEqual([]);
  expect(sent.mail.html).not.toMatch(/#8a1c4a|<img/);
  const page = await pageOf(sent);
  expect(page.text).not.toMatch(/#8a1c4a|<img/);
  expectPermitted(page);
});

test('a stored picture that is none is left out', async () => {
  const script = Buffer.from('<svg onload="alert(1)"/>').toString('base64');
  const odd = { ...SHOP, id: 'odd', logo: `data:image/png;base64,${script}` };
  await service.app.get<AppStore>(APP_STORE).save(odd);
  const sent = await mailOf(await callerFor(service, 'odd'));
  expect(sent.mail.attachments).toEqual([]);
  const page = await pageOf(sent);
  expect(page.text).not.toContain('<img');
  expectPermitted(page);
});
