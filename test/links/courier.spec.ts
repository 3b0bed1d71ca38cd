import { setTimeout as pause } from 'node:timers/promises';
import type { AppStore } from '../../src/apps/app.js';
import { Courier } from '../../src/links/courier.js';
import { Unavailable } from '../../src/links/errors.js';
import type { LinkStore } from '../../src/links/link-store.js';
import { Postman } from '../../src/links/postman.js';
import { Sweeper } from '../../src/links/sweeper.js';
import { Inbox } from '../../src/mail/inbox.js';
import { Letters } from '../../src/mail/letters.js';
import { Mailer } from '../../src/mail/mailer.js';
import { inboxTransport, type Transport } from '../../src/mail/transports.js';
import { APP, openDomain, purposeOf, START, storeWith, type Domain } from '../support/domain.js';
import { TEMPLATES } from '../support/templates.js';

let domain: Domain;
let letters: Letters;
let inbox: Inbox;
let events: [event: string, facts: Record<string, unknown>][];
const started: Courier[] = [];
beforeAll(async () => {
  domain = await openDomain(purposeOf('password-reset', { reissue: 'keep' }));
  letters = new Letters(TEMPLATES, new Map([['password-reset', { kind: 'link', variables: ['name'] }]]));
});
beforeEach(async () => {
  await domain.reset();
  await domain.apps.save({ ...APP, from: { name: 'Shop', address: 'hello@shop.example' } });
  inbox = new Inbox();
  events = [];
});
afterEach(async () => {
  for (const courier of started.splice(0)) await courier.stop();
});
afterAll(() => domain.close());

interface Circumstances {
  /** the relay's answer in place of the inbox's */
  readonly send?: Transport['send'];
  readonly store?: Partial<LinkStore>;
  readonly apps?: Partial<AppStore>;
  readonly sweeper?: Partial<Sweeper>;
}
/** A courier with two hands. */
function courierWith({ send, store = {}, apps = {}, sweeper = {} }: Circumstances = {}): Courier {
  const { clock, messages, links } = domain;
  const log = (...event: (typeof events)[number]): void => void events.push(event);
  const transport = { ...inboxTransport(inbox), ...(send && { send }), connections: 1 };
  const mailer = new Mailer([transport], { name: 'Service', address: 'no-reply@mail.example' }, clock.now);
  const postman = new Postman(links, letters, mailer, clock.now, () => 0.5, log);
  const real = storeWith(domain.store, store);
  const sweeping = storeWith(new Sweeper(real, messages, clock.now, 86_400_000), sweeper);
  const courier = new Courier(
    real,
    messages,
    storeWith<AppStore>(domain.apps, apps),
    postman,
    sweeping,
    clock.now,
    log,
  );
  started.push(courier);
  return courier;
}
const saying = (responseCode: number, response: string) => (): Promise<string> =>
  Promise.reject(Object.assign(new Error(response), { command: 'RCPT TO', responseCode, response }));
/** Waits for a condition, not for a time. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 8000; !(await holds()); await pause(5))
    if (Date.now() > end) throw new Error('it did not happen in time');
}
const mail = async (change: object = {}) => (await domain.mint('password-reset', change)).link;
const deliveryOf = async (id: string) => (await domain.store.find('shop', id))!.delivery;
const told = (event: string) => events.filter(([name]) => name === event);

describe('one round', () => {
  test('sends all that is due, in the name of its app, and nothing twice', async () => {
    const sent = [await mail(), await mail(), await mail(), await mail(), await mail()];
    const courier = courierWith();
    await courier.runOnce();
    await courier.runOnce();
    expect(inbox.list().map(({ to }) => to).sort()).toEqual(sent.map(({ recipient }) => recipient).sort()); // prettier-ignore
    expect(new Set(inbox.list().map(({ from }) => from))).toEqual(new Set(['hello@shop.example']));
    for (const { id } of sent)
      expect(await deliveryOf(id)).toMatchObject({ status: 'sent', sentAt: START, dueAt: null });
    expect(courier.isRunning).toBe(false);
  });

  test('leaves what is due later', async () => {
    const { id } = await mail();
    await courierWith({ send: saying(450, 'later') }).runOnce();
    expect(await deliveryOf(id)).toMatchObject({ status: 'queued', attempts: 1, dueAt: START + 2000 });
    const courier = courierWith();
    domain.clock.time += 1999;
    await courier.runOnce();
    expect(inbox.list()).toHaveLength(0);
    domain.clock.time += 1;
    await courier.runOnce();
    expect(inbox.list()).toHaveLength(1);
  });

  test('ends what is past its time, and tells; what had been sent already is not worth a word', async () => {
    const { id } = await mail();
    await courierWith({ send: saying(450, 'later') }).runOnce();
    domain.clock.advance(121);
    await courierWith().runOnce();
    expect((await deliveryOf(id)).status).toBe('abandoned');
    expect(told('mail abandoned')).toEqual([['mail abandoned', { link: id }]]);
    const again = await mail();
    await courierWith().runOnce();
    await domain.links.resend(APP, again.id);
    await domain.links.revoke(APP, again.id);
    events = [];
    await courierWith().runOnce();
    expect([(await deliveryOf(again.id)).status, events]).toEqual(['sent', []]);
  });

  test.each([
    ['ann@example.com', 'recipientKey'],
    ['ann+x@example.com', 'addressKey'],
  ] as const)('mails nothing more to %s, once there is no such mailbox', async (recipient, key) => {
    const link = await mail({ recipient });
    await courierWith({ send: saying(550, '5.1.1 no such user') }).runOnce();
    expect((await deliveryOf(link.id)).status).toBe('failed');
    expect(await domain.messages.listSuppressions('shop', {}, { limit: 9 })).toEqual([
      {
        app: 'shop',
        recipientKey: link[key],
        purpose: '*',
        recipient,
        reason: 'refused',
        createdAt: START,
        until: null,
      },
    ]);
  });

  test('a refusal of the mail alone suppresses nobody', async () => {
    await mail();
    await courierWith({ send: saying(550, '5.7.1 spam') }).runOnce();
    expect(await domain.messages.listSuppressions('shop', {}, { limit: 9 })).toEqual([]);
  });

  test('asks for an app once, however many of its mails are due', async () => {
    const asked: string[] = [];
    const find = (id: string) => (asked.push(id), domain.apps.find(id));
    await mail();
    await mail();
    await courierWith({ apps: { find } }).runOnce();
    expect(asked).toEqual(['shop']);
  });

  test('that cannot write an outcome down leaves it to the next lease', async () => {
    const { id } = await mail();
    await courierWith({ store: { settle: () => Promise.reject(new Unavailable()) } }).runOnce();
    expect(told('courier stopped short')).toEqual([
      ['courier stopped short', { link: id, error: expect.any(Unavailable) }],
    ]);
    expect(await deliveryOf(id)).toMatchObject({ status: 'sending', attempts: 1, dueAt: START + 15_000 });
    domain.clock.time += 15_000;
    await courierWith().runOnce();
    expect(await deliveryOf(id)).toMatchObject({ status: 'sent', attempts: 2 });
    expect(new Set(inbox.list().map(({ messageId }) => messageId)).size).toBe(1);
  });
});

describe('in the background', () => {
  test('sends what there is, and what it is woken for; stopped, nothing more', async () => {
    await mail();
    const courier = courierWith();
    courier.start();
    expect(courier.isRunning).toBe(true);
    await until(() => inbox.list().length === 1);
    for (let nth = 0; nth < 7; nth++) await mail();
    courier.wake();
    await until(() => inbox.list().length === 8);
    await courier.stop();
    expect(courier.isRunning).toBe(false);
    const late = await mail();
    courier.wake();
    await courier.stop();
    expect((await deliveryOf(late.id)).status).toBe('queued');
  });

  test('lets a mail under way finish when it is stopped', async () => {
    const { id } = await mail();
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    let begun = false;
    const courier = courierWith({ send: () => ((begun = true), answered.then(() => 'taken')) });
    courier.start();
    await until(() => begun);
    const stopped = courier.stop();
    answer();
    await stopped;
    expect((await deliveryOf(id)).status).toBe('sent');
  });

  test('wakes by itself when the next mail is due', async () => {
    const { id } = await mail();
    let answers = 0;
    const send = (): Promise<string> => (answers++ === 0 ? saying(450, 'later')() : Promise.resolve('taken'));
    const courier = courierWith({ send });
    courier.start();
    await until(() => told('mail delayed').length === 1);
    domain.clock.time += 1990;
    courier.wake();
    domain.clock.time += 10;
    await until(async () => (await deliveryOf(id)).status === 'sent');
  });

  test('writes an outcome again until the database takes it, and does not ask the relay again', async () => {
    const { id } = await mail();
    let failures = 0;
    const settle: LinkStore['settle'] = (...outcome) =>
      failures++ === 0 ? Promise.reject(new Unavailable()) : domain.store.settle(...outcome);
    const courier = courierWith({ store: { settle } });
    courier.start();
    await until(async () => (await deliveryOf(id)).status === 'sent');
    expect([inbox.list().length, failures]).toEqual([1, 2]);
    expect(told('courier stopped short')).toEqual([
      ['courier stopped short', { link: id, error: expect.any(Unavailable) }],
    ]);
  });

  test('goes on after the database was out of reach', async () => {
    await mail();
    let failures = 0;
    const claimDue: LinkStore['claimDue'] = (...question) =>
      failures++ === 0 ? Promise.reject(new Unavailable()) : domain.store.claimDue(...question);
    const courier = courierWith({ store: { claimDue } });
    courier.start();
    await until(() => inbox.list().length === 1);
    expect(told('courier stopped short')).toEqual([['courier stopped short', { error: expect.any(Unavailable) }]]);
  });

  test('keeps the mail in hand when its own lease has run out under it', async () => {
    const { id } = await mail();
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    let begun = 0;
    const courier = courierWith({ send: () => ((begun += 1), answered.then(() => 'taken')) });
    courier.start();
    await until(() => begun === 1);
    domain.clock.time += 15_000;
    courier.wake();
    await until(async () => (await deliveryOf(id)).attempts === 2);
    answer();
    await until(async () => (await deliveryOf(id)).status === 'sent');
    expect(begun).toBe(1);
  });

  test('that dies between the yes of the relay and its own note: one of two others repeats the mail, once, as the same', async () => {
    const { id } = await mail();
    const never = new Promise<never>(() => {});
    void courierWith({ store: { settle: () => never, renewLease: () => never } }).runOnce();
    started.pop(); // the dead need not be stopped
    await until(() => inbox.list().length === 1);
    const heirs = [courierWith(), courierWith()];
    const look = () => Promise.all(heirs.map((courier) => courier.runOnce()));
    await look();
    expect(inbox.list()).toHaveLength(1);
    for (let lease = 0; lease < 3; lease++) {
      domain.clock.time += 15_000;
      await look();
    }
    const copies = inbox.list().map(({ messageId }) => messageId);
    expect(copies).toEqual([`<${id}@mail.example>`, `<${id}@mail.example>`]);
    expect((await deliveryOf(id)).status).toBe('sent');
  });

  test('sweeps when there is nothing to send, as long as there is something to sweep', async () => {
    let steps = 0;
    const courier = courierWith({ sweeper: { step: () => Promise.resolve(++steps < 2) } });
    courier.start();
    await until(() => steps === 2);
  });

  test('ends what is overdue while there is always something to send', async () => {
    const tidied: number[] = [];
    const abandonOverdue: LinkStore['abandonOverdue'] = (now) => (tidied.push(now), Promise.resolve([]));
    const courier = courierWith({ store: { abandonOverdue } });
    courier.start();
    await until(() => tidied.length === 1);
    courier.wake();
    domain.clock.time += 1000;
    await mail();
    await mail();
    courier.wake();
    await until(() => tidied.includes(START + 1000));
  });
});
