import { Inbox } from '../../src/mail/inbox.js';
import { Letters } from '../../src/mail/letters.js';
import { Mailer } from '../../src/mail/mailer.js';
import { inboxTransport, type Transport } from '../../src/mail/transports.js';
import type { Message } from '../../src/links/link.js';
import { Postman } from '../../src/links/postman.js';
import { APP, openDomain, purposeOf, START, type Domain } from '../support/domain.js';
import { TEMPLATES } from '../support/templates.js';

let domain: Domain;
let letters: Letters;
let inbox: Inbox;
let events: [event: string, facts: Record<string, unknown>][];
beforeAll(async () => {
  domain = await openDomain(purposeOf('password-reset', { oneTimeCode: 'mail', deliverWithin: 7200 }));
  letters = new Letters(
    TEMPLATES,
    new Map([
      ['password-reset', { kind: 'link', variables: ['name'] }],
      ['password-changed', { kind: 'notification', variables: ['name'] }],
    ]),
  );
});
beforeEach(async () => {
  await domain.reset();
  inbox = new Inbox();
  events = [];
});
afterAll(() => domain.close());

const SENDER = { name: 'Service', address: 'no-reply@mail.example' };
function postman(random = 0.5, send?: Transport['send']): Postman {
  const transport = { ...inboxTransport(inbox), ...(send && { send }) };
  const mailer = new Mailer([transport], SENDER, domain.clock.now);
  return new Postman(domain.links, letters, mailer, domain.clock.now, () => random, (...event) => events.push(event)); // prettier-ignore
}
const saying = (responseCode: number, response: string) => (): Promise<string> =>
  Promise.reject(Object.assign(new Error(response), { command: 'RCPT TO', responseCode, response }));

async function message(change: object = {}, delivery: object = {}): Promise<Message> {
  const { link } = await domain.mint('password-reset');
  return { ...link, log: [], ...change, delivery: { ...link.delivery, attempts: 1, ...delivery } };
}
const mails = (): string[] =>
  inbox.list().map(({ raw }) => raw.toString().replace(/=\r\n/g, '').replaceAll('=3D', '='));
const newest = (): string => mails()[0]!;

test('has as many letters in hand as its mailer likes', () =>
  expect(postman().parallel).toBe(new Mailer([inboxTransport(inbox)], SENDER).parallel));

test('a letter that is taken is sent, and everybody told so', async () => {
  const mail = await message();
  expect(await postman().attempt(mail, APP)).toEqual({
    outcome: { status: 'sent', at: START },
    log: [{ at: START, relay: 'dev inbox', outcome: 'accepted', reply: 'kept' }],
    noSuchMailbox: false,
  });
  expect(events).toEqual([['mail sent', { link: mail.id, purpose: 'password-reset', attempt: 1, relay: 'dev inbox' }]]);
  const [{ to, from, messageId, purpose }] = inbox.list() as [any];
  expect({ to, from, messageId, purpose }).toEqual({
    to: mail.recipient,
    from: SENDER.address,
    messageId: `<${mail.id}@mail.example>`,
    purpose: 'password-reset',
  });
  for (const part of [
    domain.links.urlOf(mail).url,
    domain.links.reportUrlOf(mail)!,
    domain.tokens.oneTimeCode(mail.id),
    'Shop',
    '10 minutes',
  ])
    expect(newest()).toContain(part);
});

test("a letter wears the app's name, sender and reply address, and a number of its own when it is sent again", async () => {
  const app = {
    ...APP,
    from: { name: 'Shop', address: 'hello@shop.example' },
    replyTo: 'help@shop.example',
    colour: '#123456',
  };
  const mail = await message({ templateData: { name: 'Ann' } }, { resends: 2, sentAt: START - 1 });
  await postman().attempt(mail, app);
  expect(inbox.list()[0]).toMatchObject({
    from: 'hello@shop.example',
    messageId: `<${mail.id}.${START - 1}@mail.example>`,
  });
  expect(newest()).toMatch(/^Reply-To: help@shop\.example/m);
  expect(newest()).toContain('#123456');
  expect(newest()).toContain('Ann');
});

test('the letter of an app that is gone names it by its id', async () => {
  await postman().attempt(await message({ app: 'gone-app' }), undefined);
  expect(newest()).toContain('gone-app');
  expect(inbox.list()[0]!.from).toBe(SENDER.address);
});

test('a notification tells when it happened', async () => {
  await postman().attempt(
    await message({ purpose: 'password-changed', kind: 'notification', createdAt: START - 3_600_000 }),
    APP,
  );
  expect(newest()).toContain('07:00 UTC');
  expect(newest()).not.toContain('/l/');
});

describe('a relay that will not have it', () => {
  test('for now gets it again', async () => {
    const mail = await message();
    const { outcome, log, noSuchMailbox } = await postman(0.5, saying(450, 'later')).attempt(mail, APP);
    expect(outcome).toEqual({ status: 'queued', dueAt: START + 2000, error: 'dev inbox: later' });
    expect([log, noSuchMailbox]).toEqual([[{ at: START, relay: 'dev inbox', outcome: 'delayed', reply: 'later' }], false]); // prettier-ignore
    const facts = { link: mail.id, purpose: 'password-reset', attempt: 1, reason: 'dev inbox: later' };
    expect(events).toEqual([['mail delayed', { ...facts, retryInMs: 2000 }]]);
  });

  test('ever ends it, and tells whether there is such a mailbox', async () => {
    const mail = await message();
    const refused = await postman(0.5, saying(550, '5.1.1 unknown')).attempt(mail, APP);
    expect(refused).toMatchObject({
      outcome: { status: 'failed', error: 'dev inbox: 5.1.1 unknown' },
      noSuchMailbox: true,
    });
    const facts = { link: mail.id, purpose: 'password-reset', attempt: 1, reason: 'dev inbox: 5.1.1 unknown' };
    expect(events).toEqual([['mail failed', facts]]);
    expect(await postman(0.5, saying(550, '5.7.1 spam')).attempt(mail, APP)).toMatchObject({ noSuchMailbox: false });
  });

  test.each([
    [1, 0.5, 2],
    [2, 0.5, 5],
    [3, 0.5, 10],
    [4, 0.5, 20],
    [5, 0.5, 40],
    [6, 0.5, 60],
    [7, 0.5, 60],
    [50, 0.5, 60],
    [6, 0, 48],
    [6, 1, 72],
    [1, 0.123456, 1.698765],
  ])('after attempt %d, with the dice at %d, gets it in %d s', async (attempts, random, seconds) => {
    const { outcome } = await postman(random, saying(450, 'later')).attempt(await message({}, { attempts }), APP);
    expect(outcome).toMatchObject({ dueAt: START + Math.round(seconds * 1000) });
  });

  test('never gets it after its time', async () => {
    const mail = await message({}, { attempts: 6, deliverBy: START + 30_000 });
    expect((await postman(0.5, saying(450, 'later')).attempt(mail, APP)).outcome).toMatchObject({
      dueAt: START + 30_000,
    });
  });
});

test('a letter that cannot be written is given up, and no relay bothered', async () => {
  const mail = await message({ expiresAt: Infinity });
  const { outcome, log, noSuchMailbox } = await postman().attempt(mail, APP);
  expect(outcome).toMatchObject({ status: 'failed', error: expect.stringMatching(/^letter: ./) });
  expect((outcome as { error: string }).error.length).toBeLessThanOrEqual('letter: '.length + 200);
  expect([log, noSuchMailbox, inbox.list()]).toEqual([[], false, []]);
});

test('a letter for a purpose that only other instances know yet, or still, is left to them, and no relay bothered', async () => {
  const mail = await message({ purpose: 'invitation' });
  const error = 'letter: this instance does not know the purpose; another one may';
  expect(await postman().attempt(mail, APP)).toEqual({
    outcome: { status: 'queued', dueAt: START + 2000, error },
    log: [],
    noSuchMailbox: false,
  });
  expect(inbox.list()).toEqual([]);
  const facts = { link: mail.id, purpose: 'invitation', attempt: 1, reason: error };
  expect(events).toEqual([['mail delayed', { ...facts, retryInMs: 2000 }]]);
});

test('twenty conversations are remembered, the latest', async () => {
  const before = Array.from({ length: 20 }, (_, at) => ({ at, relay: 'r', outcome: 'delayed' as const, reply: '' }));
  const { log } = await postman().attempt(await message({ log: before }), APP);
  expect(log.map(({ at }) => at)).toEqual([...Array.from({ length: 19 }, (_, index) => index + 1), START]);
});
