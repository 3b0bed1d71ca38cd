import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { latestMail } from '../../src/testing.js';
import { freePort, HandSetClock, startService, type Answer, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => void (service = await startService()));
afterAll(() => service.stop());

const move = (body: object, headers: Record<string, string> = {}) =>
  service.request('POST', '/dev/clock', { body, headers });
const scan = (id: string) =>
  service.request('POST', `/dev/inbox/${id}/scan`, { body: {}, headers: { 'sec-fetch-site': 'same-origin' } });
const expectRefusal = ({ status, headers, body }: Answer, expected: number): void => {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect([status, body.status]).toEqual([expected, expected]);
  expect(body.detail).toMatch(/^That .+\. .+\.$/);
};
const statusOf = async (id: string) => (await service.api('GET', `/v1/links/${id}`)).body.status;

describe('latestMail', () => {
  test('waits for the newest mail of a purpose to somebody', async () => {
    const to = 'reader@example.com';
    const asked = new Date();
    const mail = latestMail({ to, purpose: 'magic-link', baseUrl: service.url, after: asked });
    await service.mint({ recipient: to, purpose: 'password-reset' });
    const { id } = (await service.mint({ recipient: to, purpose: 'magic-link' })).body;
    const { subject, link, text, purpose } = await mail;
    expect([subject, purpose]).toEqual(['Your sign-in link for Oncelink', 'magic-link']);
    expect(text).toContain(link);
    const token = link!.split('/l/')[1];
    const redeemed = await service.api('POST', '/v1/links/redeem', { token, purpose: 'magic-link' });
    expect(redeemed.body.link.id).toBe(id);
  });

  test('says so when none comes, and has no link for a notification', async () => {
    const nobody = { to: 'nobody@example.com', purpose: 'magic-link', baseUrl: service.url, timeout: 1 };
    await expect(latestMail(nobody)).rejects.toThrow('No mail of magic-link to nobody@example.com');
    await service.api('POST', '/v1/notifications', {
      purpose: 'password-changed',
      recipient: 'told@example.com',
      subject: 'told',
    });
    const told = await latestMail({ to: 'told@example.com', baseUrl: service.url });
    expect([told.purpose, told.link]).toEqual(['password-changed', null]);
  });
});

test('whoever starts it once more in the same place leaves the demo of the first at work', async () => {
  const place = {
    PORT: String(service.port),
    PUBLIC_URL: service.url,
    DATABASE_URL: `sqlite:${join(service.directory, 'oncelink.sqlite')}`,
    SIGNING_KEYS_FILE: join(service.directory, 'signing-keys.json'),
  };
  await (await startService({ env: place })).stop();
  const email = 'twice@example.com';
  const answer = await fetch(`${service.url}/demo/sign-up`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'Ann', email, password: 'fog on the lake' }),
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  expect(answer.status).toBe(200);
  expect((await latestMail({ to: email, baseUrl: service.url })).purpose).toBe('email-verification');
});

test('latestMail waits for an Oncelink that is not up yet, and says where it looked', async () => {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const to = 'early@example.com';
  await expect(latestMail({ to, baseUrl, timeout: 1 })).rejects.toThrow(
    `No Oncelink answered at ${baseUrl} within 1 ms`,
  );
  const mail = latestMail({ to, baseUrl });
  const inbox = createServer((_request, response) =>
    response.end(JSON.stringify({ items: [{ receivedAt: new Date(), links: ['https://x.example/'] }] })),
  );
  await pause(300);
  await new Promise<void>((resolve) => inbox.listen(port, '127.0.0.1', resolve));
  expect((await mail).link).toBe('https://x.example/');
  inbox.closeAllConnections();
  inbox.close();
});

describe('the scanner of the dev inbox', () => {
  test('asks, follows and presses, and the link stays good', async () => {
    const { id, recipient } = (await service.mint()).body;
    const mail = await latestMail({ to: recipient, baseUrl: service.url });
    const page = await scan(mail.id);
    expect(page.status).toBe(200);
    expect(page.text).toContain('The link is still good');
    expect(page.text).toMatch(/Presses the button: POST \/links\/[\w-]+: 303, to http/);
    expect(page.text).toMatch(/Presses the button: POST \/links\/[\w-]+\/report: 422/);
    expect(await statusOf(id)).toBe('active');
    // It really was there.
    expect((await service.api('GET', `/v1/links/${id}`)).body.openedAt).not.toBeNull();
  });

  test('does not hide that a button which redeems has redeemed', async () => {
    const { id, recipient } = (await service.mint({ purpose: 'email-verification' })).body;
    const mail = await latestMail({ to: recipient, baseUrl: service.url });
    const page = await scan(mail.id);
    expect(page.text).toContain('The link is not good any more');
    expect(page.text).toContain(`Presses the button: POST /links/${id}: 200`);
    expect(await statusOf(id)).toBe('redeemed');
  });
});

describe('the clock', () => {
  test('moves on for the service, and comes back', async () => {
    const { id } = await service.mintReturned({ expiresIn: 3_600 });
    const { status, body } = await move({ advance: 3_601 });
    expect([status, body.ahead]).toEqual([200, 3_601]);
    expect(await statusOf(id)).toBe('expired');
    expect((await service.request('GET', '/dev/inbox')).text).toContain('3,601 seconds ahead');
    expect((await move({ reset: true })).body.ahead).toBe(0);
    expect(await statusOf(id)).toBe('active');
  });

  test('refuses what is no step, and strangers', async () => {
    for (const body of [{}, { advance: -1 }, { advance: 'soon' }, { advance: 1e12 }])
      expectRefusal(await move(body), 422);
    expectRefusal(await move({ advance: 60 }, { 'sec-fetch-site': 'cross-site' }), 403);
    const form = await fetch(`${service.url}/dev/clock`, {
      method: 'POST',
      body: new URLSearchParams({ advance: '-1' }),
    });
    expect([form.status, await form.text()]).toEqual([422, expect.stringContaining('<h1>That is no step</h1>')]);
    expect((await service.request('GET', '/dev/clock')).body.ahead).toBe(0);
  });

  test('is not there where the clock is somebody else’s', async () => {
    const other = await startService({ clock: new HandSetClock() });
    try {
      expect((await other.request('GET', '/dev/clock')).status).toBe(404);
      expect((await other.request('GET', '/dev/inbox')).text).not.toContain('/dev/clock');
    } finally {
      await other.stop();
    }
  });
});
