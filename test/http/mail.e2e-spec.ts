import { Courier } from '../../src/links/courier.js';
import { API_KEY, HandSetClock, eventually, freePort, startService, type TestService } from '../support/service.js';
import { Relay, reportUrlIn, urlIn } from '../support/relay.js';

const FROM = { MAIL_FROM: 'Example Mail <no-reply@mail.example>' };
const clock = new HandSetClock();
let relay: Relay;
let service: TestService;
beforeAll(async () => {
  relay = await Relay.start();
  service = await startService({ clock, env: { SMTP_URL: relay.url, ...FROM } });
});
afterAll(async () => {
  await service.stop();
  await relay.stop();
});
beforeEach(() => {
  relay.reply = () => undefined;
});

const read = async (id: string, from = service) => (await from.api('GET', `/v1/links/${id}`)).body;
const mint = async (body: object = {}) => (await service.mint(body)).body;
const redeem = (token: string, purpose = 'password-reset') =>
  service.api('POST', '/v1/links/redeem', { token, purpose });
/** Waits until a link's delivery stands so. @returns the link */
const delivery = (id: string, status: string, from = service) =>
  eventually(async () => {
    const link = await read(id, from);
    return link.delivery.status === status && link;
  });
/** Waits until a relay was asked for the nth time, and what came of it is written down. */
const attempted = async (id: string, attempts: number) =>
  eventually(async () => {
    const link = await read(id);
    return link.delivery.attempts === attempts && link.delivery.status !== 'sending' && link;
  });
/** Time passes, and whoever waits for it looks at the clock. */
function pass(seconds: number, from = service): void {
  clock.advance(seconds);
  from.app.get(Courier).wake();
}
const tokenIn = (text: string | undefined) => urlIn(text).split('/l/')[1]!;
const payloadOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());

describe('a mail', () => {
  test('has one recipient, in the envelope and in the header, equal to what the API reported', async () => {
    const link = await mint({ recipient: "O'Neil.Ann+tag@EXAMPLE.com" });
    expect(link.recipient).toBe("O'Neil.Ann+tag@example.com");
    const { to, from, mail, raw } = await relay.mailTo(link.recipient);
    expect(to).toEqual([link.recipient]);
    expect(mail.to).toEqual([{ name: '', address: link.recipient }]);
    expect([mail.cc, mail.bcc]).toEqual([undefined, undefined]);
    expect(raw.match(/^To:/gim)).toHaveLength(1);
    expect(raw).not.toMatch(/^(Cc|Bcc|Reply-To|List-[\w-]+|Return-Receipt-To|Disposition-Notification-To):/im);
    expect(from).toBe('no-reply@mail.example');
    expect(mail.from).toEqual({ name: 'Example Mail', address: 'no-reply@mail.example' });
  });

  test('has a text and an HTML part with the same URL, which comes first and works, and the same report', async () => {
    const link = await mint({ templateData: { name: '<b>Ann & "Co"</b>' } });
    const { mail } = await relay.mailTo(link.recipient);
    const url = urlIn(mail.text);
    const hrefs = [...mail.html!.matchAll(/(?:href|src|background)="([^"]*)"/g)].map(([, value]) =>
      value!.replaceAll('&#x3D;', '='),
    );
    expect([...new Set(hrefs)]).toEqual([url, reportUrlIn(mail.text)]);
    expect(mail.html).not.toMatch(/<img|<script|<iframe|<form|<link|@import|url\(/i);
    expect(mail.text).toContain('<b>Ann & "Co"</b>');
    expect(mail.html).not.toContain('<b>Ann');
    expect(mail.attachments).toEqual([]);
    expect(url).toBe(`${service.settings.publicUrl}/l/${tokenIn(mail.text)}`);
    expect((await redeem(tokenIn(mail.text))).body.link.id).toBe(link.id);
  });

  test('asks machines not to answer, and bears the id of its link', async () => {
    const link = await mint();
    const { mail, raw } = await relay.mailTo(link.recipient);
    const headers = Object.fromEntries(mail.headers.map(({ key, value }) => [key.toLowerCase(), value]));
    expect(headers['auto-submitted']).toBe('auto-generated');
    expect(headers['list-unsubscribe']).toBeUndefined();
    expect(headers['x-auto-response-suppress']).toBe('All');
    expect(headers['mime-version']).toBe('1.0');
    expect(mail.messageId).toBe(`<${link.id}@mail.example>`);
    expect(mail.subject).toMatch(/^Reset your password for .+$/);
    expect(raw.split('\r\n').every((line) => line.length <= 998)).toBe(true);
    expect(headers).not.toHaveProperty('x-mailer');
  });

  test('that a caller tries to turn into a lure stays a letter', async () => {
    for (const name of ['Visit evil.example now', 'https://evil.example', 'a@evil.example']) {
      const link = await mint({ templateData: { name } });
      const { mail } = await relay.mailTo(link.recipient);
      expect(mail.text! + mail.html!).not.toContain('evil');
    }
  });
});

describe('the answer of the relay decides:', () => {
  test('a yes is sent, with the time of it', async () => {
    const { id } = await mint();
    const link = await delivery(id, 'sent');
    expect(link.delivery).toEqual({
      status: 'sent',
      attempts: 1,
      sentAt: new Date(clock.time).toISOString(),
      lastError: null,
    });
  });

  test('451 twice and then a yes is one mail, with one Message-ID and one living token', async () => {
    const recipient = 'patient@example.com';
    relay.reply = (to) => (to === recipient ? 451 : undefined);
    const { id } = await mint({ recipient });
    const delayed = await attempted(id, 1);
    expect(delayed.delivery).toMatchObject({ status: 'queued', sentAt: null, lastError: expect.stringMatching(/451/) });
    pass(3);
    await attempted(id, 2);
    relay.reply = () => undefined;
    pass(10);
    const link = await delivery(id, 'sent');
    expect(link.delivery).toMatchObject({ attempts: 3, lastError: null });
    expect(relay.to(recipient)).toHaveLength(1);
    const { mail } = relay.to(recipient)[0]!;
    expect(mail.messageId).toBe(`<${id}@mail.example>`);
    expect((await redeem(tokenIn(mail.text))).status).toBe(200);
  });

  test('a mail that the relay took and then denied is repeated with the same Message-ID', async () => {
    const recipient = 'denied@example.com';
    let refusals = 1;
    relay.beforeAccepting = async () => {
      if (refusals-- > 0) throw Object.assign(new Error('queue file write error'), { responseCode: 452 });
    };
    const { id } = await mint({ recipient });
    await attempted(id, 1);
    relay.beforeAccepting = () => Promise.resolve();
    pass(3);
    await delivery(id, 'sent');
    expect(relay.to(recipient).map(({ mail }) => mail.messageId)).toEqual([`<${id}@mail.example>`]);
  });

  test('550 is failed at once, after one attempt and for good; the reason is kept without the address', async () => {
    const recipient = 'nobody@example.com';
    relay.reply = () => [550, `5.1.1 <${recipient}> is not known here`];
    const { id } = await mint({ recipient });
    const link = await delivery(id, 'failed');
    expect(link.delivery).toMatchObject({ attempts: 1, sentAt: null, lastError: expect.stringMatching(/550/) });
    expect(link.delivery.lastError).not.toContain(recipient);
    relay.reply = () => undefined;
    for (let time = 0; time < 3; time++) pass(600);
    await delivery((await mint()).id, 'sent');
    expect(relay.offered.filter((to) => to === recipient)).toHaveLength(1);
    expect((await read(id)).delivery.status).toBe('failed');
  });

  test('no answer until deliverWithin is abandoned, and then nothing is tried any more', async () => {
    const recipient = 'never@example.com';
    relay.reply = (to) => (to === recipient ? 451 : undefined);
    const { id } = await mint({ recipient });
    await attempted(id, 1);
    for (let attempt = 2; attempt <= 12; attempt++) {
      pass(73);
      await attempted(id, attempt);
    }
    clock.advance(7_200);
    const offers = relay.offered.length;
    pass(0);
    const link = await delivery(id, 'abandoned');
    expect(link.delivery.sentAt).toBeNull();
    relay.reply = () => undefined;
    pass(120);
    await delivery((await mint()).id, 'sent');
    expect(relay.offered.slice(offers)).not.toContain(recipient);
  });

  test('the pauses between attempts grow: 2, 5, 10, 20, 40, 60, 60 seconds, give or take a fifth', async () => {
    const recipient = 'backing-off@example.com';
    relay.reply = (to) => (to === recipient ? 451 : undefined);
    const { id } = await mint({ recipient });
    await attempted(id, 1);
    for (const [index, pause] of [2, 5, 10, 20, 40, 60, 60].entries()) {
      pass(pause * 0.79);
      // Whatever was due now would be offered before this other mail is.
      await delivery((await mint()).id, 'sent');
      expect((await read(id)).delivery.attempts).toBe(index + 1);
      pass(pause * 0.42);
      await attempted(id, index + 2);
    }
    await service.api('POST', `/v1/links/${id}/revoke`);
  });
});

describe('the life of a mailed link', () => {
  test.each([
    ['password-reset', 1_800],
    ['magic-link', 60],
  ])('of %s begins when its mail is handed over, whatever the outage before', async (purpose, expiresIn) => {
    const recipient = `outage-${purpose}@example.com`;
    relay.reply = (to) => (to === recipient ? 421 : undefined);
    const minted = await mint({ purpose, recipient, expiresIn });
    await attempted(minted.id, 1);
    pass(100);
    await attempted(minted.id, 2);
    relay.reply = () => undefined;
    pass(100);
    const link = await delivery(minted.id, 'sent');
    expect(Date.parse(link.delivery.sentAt)).toBe(clock.time);
    const life = Date.parse(link.expiresAt) - Date.parse(link.delivery.sentAt);
    expect(Math.abs(life - expiresIn * 1_000)).toBeLessThanOrEqual(1_000);
    const token = tokenIn(relay.to(recipient)[0]!.mail.text);
    expect(payloadOf(token).exp * 1_000).toBe(Date.parse(link.expiresAt));
    clock.advance(expiresIn - 2);
    expect((await redeem(token, purpose)).status).toBe(200);
  });

  test('is active, not expired, while its mail has not left', async () => {
    const recipient = 'long-outage@example.com';
    relay.reply = (to) => (to === recipient ? 451 : undefined);
    const { id } = await mint({ recipient, expiresIn: 10 });
    await attempted(id, 1);
    clock.advance(60);
    expect((await read(id)).status).toBe('active');
    relay.reply = () => undefined;
    pass(1);
    await delivery(id, 'sent');
    expect((await redeem(tokenIn(relay.to(recipient)[0]!.mail.text))).status).toBe(200);
  });
});

describe('a link that is no longer wanted', () => {
  /** Mints while the relay says no; ends the link; lets the relay say yes and time pass. @returns what was mailed */
  async function endedOnItsWay(recipient: string, end: (id: string) => Promise<unknown>, newer?: () => string) {
    relay.reply = (to) => (to === recipient ? 451 : undefined);
    const { id } = await mint({ recipient, subject: recipient.split('@')[0] });
    await attempted(id, 1);
    await end(id);
    relay.reply = () => undefined;
    for (let time = 0; time < 3; time++) {
      pass(60);
      if (newer) await delivery(newer(), 'sent');
      await delivery((await mint()).id, 'sent');
    }
    return { id, mails: relay.to(recipient), link: await read(id) };
  }

  test('because it was revoked is never mailed', async () => {
    const { mails, link } = await endedOnItsWay('revoked@example.com', (id) =>
      service.api('POST', `/v1/links/${id}/revoke`),
    );
    expect(mails).toEqual([]);
    expect([link.status, link.delivery.status]).toEqual(['revoked', 'abandoned']);
  });

  test('because its subject was revoked is never mailed', async () => {
    const { mails } = await endedOnItsWay('left@example.com', () =>
      service.api('POST', '/v1/links/revoke', { subject: 'left' }),
    );
    expect(mails).toEqual([]);
  });

  test('because a newer one superseded it is never mailed; the newer one is', async () => {
    let newer = '';
    const supersede = async () => {
      clock.advance(31);
      newer = (await mint({ recipient: 'replaced@example.com', subject: 'replaced' })).id;
      await attempted(newer, 1);
    };
    const { mails, link } = await endedOnItsWay('replaced@example.com', supersede, () => newer);
    expect(mails.map(({ mail }) => mail.messageId)).toEqual([`<${newer}@mail.example>`]);
    expect([link.status, link.delivery.status]).toEqual(['superseded', 'abandoned']);
  });

  test('in the middle of its conversation ends with an outcome, not with sending for ever', async () => {
    let arrived!: () => void;
    let goOn!: () => void;
    const inTheMiddle = new Promise<void>((resolve) => (arrived = resolve));
    const released = new Promise<void>((resolve) => (goOn = resolve));
    relay.beforeAccepting = () => {
      arrived();
      return released;
    };
    const { id, recipient } = await mint();
    await inTheMiddle;
    expect((await read(id)).delivery.status).toBe('sending');
    await service.api('POST', `/v1/links/${id}/revoke`);
    goOn();
    relay.beforeAccepting = () => Promise.resolve();
    const { mail } = await relay.mailTo(recipient);
    expect((await redeem(tokenIn(mail.text))).body.code).toBe('link_revoked');
    await delivery((await mint()).id, 'sent');
    pass(60);
    const link = await eventually(async () => {
      const now = await read(id);
      return ['sent', 'abandoned', 'failed'].includes(now.delivery.status) && now;
    }, 3);
    expect(link.status).toBe('revoked');
  });
});

test('one poisonous mail, or five, hold up none of the others', async () => {
  const poison = Array.from({ length: 5 }, (_value, index) => `poison-${index}@example.com`);
  relay.reply = (to) => (poison.includes(to) ? 451 : undefined);
  const bad = await Promise.all(poison.map((recipient) => mint({ recipient })));
  const good = await Promise.all(Array.from({ length: 20 }, () => mint()));
  for (const { id } of good) expect((await delivery(id, 'sent')).delivery.attempts).toBe(1);
  for (const { id } of bad) expect((await attempted(id, 1)).delivery.status).toBe('queued');
});

test('a recipient at whom the relay hangs holds up none of a hundred others: they are sent within the same second', async () => {
  let release!: () => void;
  const hanging = new Promise<void>((resolve) => (release = resolve));
  relay.beforeAnswering = (to) => (to.startsWith('hangs') ? hanging : Promise.resolve());
  const stuck = await mint({ recipient: 'hangs@example.com' });
  await eventually(() => relay.offered.includes('hangs@example.com'));
  const others = await Promise.all(Array.from({ length: 100 }, () => mint()));
  // The clock stands still in the meantime.
  for (const { id } of others) {
    const { sentAt } = (await delivery(id, 'sent')).delivery;
    expect(sentAt).toBe(new Date(clock.time).toISOString());
  }
  expect((await read(stuck.id)).delivery.status).toBe('sending');
  release();
  await delivery(stuck.id, 'sent');
});

// The courier also looks by itself every few seconds; nobody should have to wait for that.
test('every mail leaves when it is minted, whatever the courier was just doing', async () => {
  for (let mail = 0; mail < 60; mail++) {
    const { recipient } = await mint();
    await eventually(() => relay.to(recipient)[0], 3);
  }
});

describe('with several relays', () => {
  const start = async (urls: string[]) => startService({ env: { SMTP_URL: urls.join(','), ...FROM } });

  test('the next one is asked in the same attempt when one cannot be reached', async () => {
    const behind = await start([`smtp://127.0.0.1:${await freePort()}`, relay.url]);
    try {
      const { id, recipient } = (await behind.mint()).body;
      expect((await delivery(id, 'sent', behind)).delivery).toMatchObject({ attempts: 1, lastError: null });
      expect(relay.to(recipient)).toHaveLength(1);
    } finally {
      await behind.stop();
    }
  });

  test('one that says no for good is believed: the next one is not asked', async () => {
    const strict = await Relay.start();
    strict.reply = () => 550;
    const behind = await start([strict.url, relay.url]);
    try {
      const { id, recipient } = (await behind.mint()).body;
      expect((await delivery(id, 'failed', behind)).delivery.attempts).toBe(1);
      expect(relay.offered).not.toContain(recipient);
    } finally {
      await behind.stop();
      await strict.stop();
    }
  });
});

test('the log has link ids, and no token, key or whole address, and no answer of a relay that holds one', async () => {
  const recipient = 'logged.person@example.com';
  relay.reply = () => [451, `4.2.1 <${recipient}> is busy, see https://relay.example`];
  const { id } = await mint({ recipient });
  const { delivery: state } = await attempted(id, 1);
  expect(state.lastError).not.toContain(recipient);
  relay.reply = () => undefined;
  pass(10);
  await delivery(id, 'sent');
  const token = tokenIn(relay.to(recipient)[0]!.mail.text);
  await service.request('GET', `/l/${token}`);
  await service.request('GET', `/l/${token}x`);
  await redeem(token);
  const log = service.logged();
  expect(log).toContain(id);
  expect(log).not.toContain(token);
  expect(log).not.toContain(token.split('.')[2]);
  expect(log).not.toMatch(/eyJ[\w-]{10,}\./);
  expect(log).not.toContain(API_KEY);
  expect(log).not.toMatch(/[\w.+'-]+@example\.com/);
  for (const line of log.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
});
