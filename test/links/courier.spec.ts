import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { AppStore } from '../../src/apps/app.js';
import { Courier } from '../../src/links/courier.js';
import { Unavailable } from '../../src/links/errors.js';
import type { Link } from '../../src/links/link.js';
import type { LinkStore, Redemption } from '../../src/links/link-store.js';
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
/** A courier with six hands. */
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
/** A relay that takes a mail when it is told to, the oldest first, until it is told to take everything. */
function slowRelay() {
  const waiting: (() => void)[] = [];
  let asked = 0;
  let hurries = false;
  return {
    asked: () => asked,
    send: (): Promise<string> => {
      asked += 1;
      return new Promise((taken) => (hurries ? taken('taken') : waiting.push(() => taken('taken'))));
    },
    take: (count = 1): void => waiting.splice(0, count).forEach((answer) => answer()),
    takeAll(): void {
      hurries = true;
      this.take(Infinity);
    },
  };
}
/** Waits for a condition, not for a time. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 8000; !(await holds()); await pause(5))
    if (Date.now() > end) throw new Error('it did not happen in time');
}
const mail = async (change: object = {}) => (await domain.mint('password-reset', change)).link;
const deliveryOf = async (id: string) => (await domain.store.find('shop', id))!.delivery;
const questionFor = ({ id, app, purpose }: Link): Redemption => {
  const unasked = { fingerprint: null, challenge: null, challengeRequired: false, redeemKey: null };
  return { id, app, purpose, ...unasked, now: domain.clock.time };
};
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

  test('lets a decoy go, without a mail or a word', async () => {
    const { id } = await mail({ decoy: true });
    await courierWith().runOnce();
    expect(await deliveryOf(id)).toMatchObject({ status: 'none', attempts: 0, dueAt: null });
    expect([inbox.list(), events]).toEqual([[], []]);
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
    domain.clock.advance(121);
    events = [];
    await courierWith().runOnce();
    expect([(await deliveryOf(again.id)).status, events]).toEqual(['sent', []]);
  });

  test('ends what waits for somebody who is to get none, and tells', async () => {
    const { id } = await mail({ recipient: 'ann@example.com' });
    await courierWith({ send: saying(450, 'later') }).runOnce();
    await mail({ recipient: 'ann@example.com' });
    await courierWith({ send: saying(550, '5.1.1 no such user') }).runOnce();
    domain.clock.advance(2);
    await courierWith().runOnce();
    expect([(await deliveryOf(id)).status, inbox.list()]).toEqual(['suppressed', []]);
    expect(told('mail suppressed')).toEqual([['mail suppressed', { link: id }]]);
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

  test('nor does a refusal that comes after another courier has taken the mail over', async () => {
    const { id } = await mail();
    let refuse = (): void => {};
    const refused = new Promise<void>((done) => (refuse = done));
    const late = courierWith({ send: () => refused.then(saying(550, '5.1.1 no such user')) }).runOnce();
    await until(async () => (await deliveryOf(id)).status === 'sending');
    domain.clock.time += 15_000;
    await courierWith().runOnce();
    refuse();
    await late;
    expect((await deliveryOf(id)).status).toBe('sent');
    expect(await domain.messages.listSuppressions('shop', {}, { limit: 9 })).toEqual([]);
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

  test('keeps the Message-ID of a mail that is asked for again on its way or while it waits; sent again, it gets another', async () => {
    const { id } = await mail();
    const given: unknown[] = [];
    const again = () => domain.links.resend(APP, id);
    const denies: Transport['send'] = ({ messageId }) => {
      given.push(messageId);
      return again().then(saying(450, 'later'));
    };
    const takes: Transport['send'] = async ({ messageId }) => (given.push(messageId), 'taken');
    for (let nth = 0; nth < 2; nth++) {
      await courierWith({ send: denies }).runOnce();
      await again();
      domain.clock.advance(2);
      await courierWith({ send: takes }).runOnce();
      await again();
    }
    const [first, second] = [`<${id}@mail.example>`, `<${id}.${START + 2000}@mail.example>`];
    expect(given).toEqual([first, first, second, second]);
    expect((await deliveryOf(id)).resends).toBe(6);
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
    const relay = slowRelay();
    const courier = courierWith(relay);
    courier.start();
    await until(() => relay.asked() === 1);
    const stopped = courier.stop();
    relay.take();
    await stopped;
    expect((await deliveryOf(id)).status).toBe('sent');
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

  test('keeps the mail in hand when its own lease has run out under it', async () => {
    const { id } = await mail();
    const relay = slowRelay();
    const courier = courierWith(relay);
    courier.start();
    await until(() => relay.asked() === 1);
    domain.clock.time += 15_000;
    courier.wake();
    await until(async () => (await deliveryOf(id)).attempts === 2);
    relay.take();
    await until(async () => (await deliveryOf(id)).status === 'sent');
    expect(relay.asked()).toBe(1);
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
});

describe('with its timers set by hand, as the clock is,', () => {
  /** What the courier asks the store for, one after the other. */
  let journal: string[];
  let relay: ReturnType<typeof slowRelay>;
  beforeEach(() => {
    // Nothing but timers: the store's answers come when they come.
    jest.useFakeTimers({
      doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'],
    });
    journal = [];
    relay = slowRelay();
  });
  afterEach(async () => {
    relay.takeAll();
    await jest.advanceTimersByTimeAsync(20);
    jest.useRealTimers();
  });

  function watched({ store = {}, ...more }: Circumstances = {}): Courier {
    const real = storeWith(domain.store, store);
    return courierWith({
      store: {
        ...store,
        claimDue: (...question) => (journal.push(`claim ${question[3]}`), real.claimDue(...question)),
        nextDue: () => (journal.push('next'), real.nextDue()),
      },
      sweeper: { step: async () => (journal.push('sweep'), false) },
      ...more,
    });
  }
  /** A look that finds nothing ends with sweeping, after which the courier lies down. */
  const LOOK = ['claim 6', 'next', 'sweep'];
  const journalOf = (entries: number) => until(() => journal.length >= entries);
  /** For what must not happen: gives it the opportunity. */
  const turns = async (): Promise<void> => {
    for (let nth = 0; nth < 5; nth++) await turn();
  };
  const pass = async (ms: number): Promise<void> => {
    domain.clock.time += ms;
    await jest.advanceTimersByTimeAsync(ms);
    await turns();
  };

  test('looks every five seconds, and so sees what another instance queued or took and lost', async () => {
    const held = await mail();
    await domain.store.claimDue('of another', START, START + 9_000, 1);
    watched().start();
    await journalOf(3);
    await pass(4_999);
    expect(journal).toEqual(LOOK);
    await pass(1);
    await journalOf(6);
    expect(journal).toEqual([...LOOK, ...LOOK]);
    const queued = await mail();
    await pass(4_000);
    await until(() => inbox.list().length === 2);
    expect(inbox.list().map(({ to }) => to).sort()).toEqual([held.recipient, queued.recipient].sort()); // prettier-ignore
  });

  test('naps until the next mail is due', async () => {
    await mail();
    await courierWith({ send: saying(450, 'later') }).runOnce();
    watched().start();
    await journalOf(3);
    await pass(1_999);
    expect(journal).toEqual(LOOK);
    await pass(1);
    await until(() => inbox.list().length === 1);
  });

  test('sends what comes due while it lies down, before it sweeps', async () => {
    let before: string[] = [];
    const send = async (): Promise<string> => ((before = [...journal]), 'taken');
    const nextDue = async () => {
      if (before.length === 0) await mail();
      return domain.store.nextDue();
    };
    watched({ send, store: { nextDue } }).start();
    await until(async () => (await pass(10), before.length > 0));
    expect(before).not.toContain('sweep');
  });

  test('does not lie down when it is woken at that moment', async () => {
    let woken = false;
    const nextDue = async () => {
      if (!woken) await mail();
      woken = true;
      courier.wake();
      return null;
    };
    const courier = courierWith({ store: { nextDue } });
    courier.start();
    await until(() => inbox.list().length === 1);
  });

  test('sets no timer when it is stopped at that moment', async () => {
    let stopped: Promise<void> | undefined;
    const nextDue = async () => ((stopped = courier.stop()), null);
    const courier = courierWith({ store: { nextDue } });
    const timers = jest.getTimerCount();
    courier.start();
    await until(() => stopped !== undefined);
    await stopped;
    expect(jest.getTimerCount()).toBe(timers);
  });

  test('sweeps once a second as long as there is something to sweep', async () => {
    let steps = 0;
    watched({ sweeper: { step: async () => ++steps < 2 } }).start();
    await until(() => steps === 1);
    await pass(999);
    expect(steps).toBe(1);
    await pass(1);
    await until(() => steps === 2);
  });

  test('goes on a second after the database was out of reach', async () => {
    await mail();
    let failures = 0;
    const claimDue: LinkStore['claimDue'] = (...question) =>
      failures++ === 0 ? Promise.reject(new Unavailable()) : domain.store.claimDue(...question);
    watched({ store: { claimDue } }).start();
    await until(() => events.length === 1);
    expect(events).toEqual([['courier stopped short', { error: expect.any(Unavailable) }]]);
    await pass(999);
    expect(journal).toEqual(['claim 6']);
    await pass(1);
    await until(() => inbox.list().length === 1);
  });

  test('claims with half of its hands free, and not with fewer', async () => {
    await mail();
    await mail();
    await mail();
    await mail();
    const courier = watched(relay);
    courier.start();
    await until(() => relay.asked() === 4);
    await mail();
    courier.wake();
    await turns();
    expect(journal).toEqual(['claim 6']);
    relay.take();
    await pass(20);
    await until(() => relay.asked() === 5);
    expect(journal.slice(0, 2)).toEqual(['claim 6', 'claim 3']);
  });

  test('claims again at once when all it was given had come to its end', async () => {
    for (let nth = 0; nth < 6; nth++) await mail();
    domain.clock.advance(121);
    await mail();
    courierWith().start();
    await until(() => inbox.list().length === 1);
    expect(told('mail abandoned')).toHaveLength(6);
  });

  test('claims again at once when all it was given was in its hands already', async () => {
    await mail();
    await mail();
    const courier = courierWith(relay);
    courier.start();
    await until(() => relay.asked() === 2);
    domain.clock.time += 15_001;
    await mail();
    courier.wake();
    await until(() => relay.asked() === 3);
  });

  test('writes an outcome alone when there are no others, and three of four together', async () => {
    const written: string[] = [];
    const settle: LinkStore['settle'] = (...outcome) => (written.push(outcome[0]), domain.store.settle(...outcome));
    const courier = courierWith({ ...relay, store: { settle } });
    const alone = await mail();
    courier.start();
    await until(() => relay.asked() === 1);
    relay.take();
    await until(async () => (await deliveryOf(alone.id)).status === 'sent');
    for (let nth = 0; nth < 4; nth++) await mail();
    courier.wake();
    await until(() => relay.asked() === 5);
    relay.take();
    relay.take();
    await turns();
    expect(written).toEqual([alone.id]);
    relay.take();
    await until(() => written.length === 4);
  });

  describe('when it cannot keep its lease,', () => {
    /** A relay that is busy with others, and was not told of the mail yet; or was. */
    function busyRelay(begins: boolean) {
      let take!: () => void;
      const send: Transport['send'] = ({ signal }, onBegun) =>
        new Promise((taken, failed) => {
          if (begins) onBegun!();
          take = () => taken('taken');
          signal!.addEventListener('abort', () => failed(new Error('taken back')));
        });
      return { send, take: () => take() };
    }
    async function underWay(begins = false, store: Partial<LinkStore> = {}) {
      const { id } = await mail();
      const { send, take } = busyRelay(begins);
      const courier = courierWith({ send, store });
      courier.start();
      await until(async () => (await deliveryOf(id)).status === 'sending');
      await turns();
      return { id, courier, take };
    }

    test('takes a mail back that another courier has, if no relay was told of it yet', async () => {
      const { id, courier } = await underWay();
      domain.clock.time += 15_000;
      await courierWith().runOnce();
      await jest.advanceTimersByTimeAsync(5_000);
      await courier.stop();
      expect(await deliveryOf(id)).toMatchObject({ status: 'sent', attempts: 2 });
      expect(told('mail delayed')).toMatchObject([['mail delayed', { reason: 'dev inbox: taken back' }]]);
    });

    test.each([
      ['was withdrawn', (id: string) => domain.links.revoke(APP, id)],
      ['was used', async (id: string) => domain.store.redeem(questionFor((await domain.store.find('shop', id))!))],
    ])('takes a mail back whose link %s meanwhile, and lets it be', async (_how, end) => {
      const { id, courier } = await underWay();
      await end(id);
      await jest.advanceTimersByTimeAsync(5_000);
      await until(() => told('mail delayed').length === 1);
      await courier.stop();
      domain.clock.time += 3_600_000;
      await courierWith().runOnce();
      expect(inbox.list()).toEqual([]);
      expect(await deliveryOf(id)).toMatchObject({ status: 'abandoned', sentAt: null });
    });

    test('lets a relay that was told of it finish', async () => {
      const { id, courier, take } = await underWay(true);
      domain.clock.time += 15_000;
      await courierWith().runOnce();
      await jest.advanceTimersByTimeAsync(5_000);
      await turns();
      take();
      await courier.stop();
      expect(told('mail sent')).toHaveLength(2);
      expect(await deliveryOf(id)).toMatchObject({ status: 'sent', attempts: 2 });
    });

    test('takes a mail back once its lease has run out without an answer, and not before', async () => {
      let isCutOff = false;
      let renewals = 0;
      const orNot = <Answer>(answer: () => Promise<Answer>) =>
        isCutOff ? Promise.reject(new Unavailable()) : answer();
      const { id, courier } = await underWay(false, {
        claimDue: (...question) => orNot(() => domain.store.claimDue(...question)),
        renewLease: (...lease) => (renewals++, orNot(() => domain.store.renewLease(...lease))),
      });
      await pass(5_000);
      await until(async () => (await deliveryOf(id)).dueAt === START + 20_000);
      isCutOff = true;
      await pass(5_000);
      await pass(5_000);
      expect(told('mail delayed')).toHaveLength(0);
      await pass(5_000);
      await until(() => told('mail delayed').length === 1);
      expect(renewals).toBe(4);
      await pass(20);
      await courier.stop();
      expect(await deliveryOf(id)).toMatchObject({ status: 'queued', attempts: 1, dueAt: START + 22_000 });
    });
  });

  describe('stopped while the database does not take an outcome,', () => {
    async function stoppedWith(settle: LinkStore['settle']) {
      const { id } = await mail();
      const courier = courierWith({ ...relay, store: { settle } });
      courier.start();
      await until(() => relay.asked() === 1);
      let isOver = false;
      const stopped = courier.stop().then(() => (isOver = true));
      relay.take();
      await pass(20);
      return { id, stopped, isOver: () => isOver };
    }

    test('writes it again: the mail need not be repeated', async () => {
      let failures = 0;
      const { id, stopped } = await stoppedWith((...outcome) =>
        failures++ < 2 ? Promise.reject(new Unavailable()) : domain.store.settle(...outcome),
      );
      await pass(500);
      await pass(500);
      await stopped;
      expect(await deliveryOf(id)).toMatchObject({ status: 'sent', attempts: 1 });
      expect([relay.asked(), failures]).toEqual([1, 3]);
    });

    test('gives it up before the process has to end', async () => {
      const { id, isOver } = await stoppedWith(() => Promise.reject(new Unavailable()));
      for (let tries = 1; tries <= 13; tries++) await pass(500);
      expect(isOver()).toBe(false);
      await pass(500);
      await until(isOver);
      expect((await deliveryOf(id)).status).toBe('sending');
      expect(events.at(-1)).toEqual(['courier stopped short', { link: id, error: expect.any(Unavailable) }]);
    });
  });

  test('keeps its lease of a mail for as long as the relay takes, and not longer', async () => {
    const { id } = await mail();
    let renewed = 0;
    const renewLease: LinkStore['renewLease'] = (...lease) => (renewed++, domain.store.renewLease(...lease));
    const courier = courierWith({ ...relay, store: { renewLease } });
    courier.start();
    await until(() => relay.asked() === 1);
    for (let beat = 1; beat <= 4; beat++) {
      await pass(5_000);
      await until(async () => (await deliveryOf(id)).dueAt === domain.clock.time + 15_000);
      await courierWith().runOnce();
    }
    expect(inbox.list()).toHaveLength(0);
    expect(await deliveryOf(id)).toMatchObject({ status: 'sending', attempts: 1 });
    relay.take();
    await courier.stop();
    expect(await deliveryOf(id)).toMatchObject({ status: 'sent', attempts: 1 });
    await pass(15_000);
    expect(renewed).toBe(4);
  });
});
