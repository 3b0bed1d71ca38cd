import { HandSetClock, startService, eventually, type TestService } from '../support/service.js';
import { callerFor, revokeKey } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { MailSink } from './mail-sink.js';

const HOUR = 3600;

let clock: HandSetClock;
let sink: MailSink;
let service: TestService;
beforeEach(async () => {
  clock = new HandSetClock();
  sink = await MailSink.start();
  service = await startService({ clock, env: { SMTP_URL: sink.url } });
});
afterEach(async () => {
  await service.stop();
  await sink.stop();
});

const redeem = (token: string) => service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
const statusOf = async (id: string) => (await service.api('GET', `/v1/links/${id}`)).body.status as string;
const deliveryOf = async (id: string) => (await service.api('GET', `/v1/links/${id}`)).body.delivery.status as string;

describe('the clock steps back an hour', () => {
  test('the newest link stays the newest, and is good', async () => {
    const older = await service.mintReturned({ subject: 'ann' });
    clock.advance(-HOUR);
    const newer = await service.mintReturned({ subject: 'ann' });
    expect([await statusOf(older.id), await statusOf(newer.id)]).toEqual(['superseded', 'active']);
    expect((await redeem(newer.token)).status).toBe(200);
    clock.advance(HOUR);
    expectProblem(await redeem(older.token), 'link_superseded');
  });

  test('a used link stays used', async () => {
    const { token } = await service.mintReturned();
    expect((await redeem(token)).status).toBe(200);
    clock.advance(-HOUR);
    expect((await redeem(token)).status).not.toBe(200);
    clock.advance(HOUR);
    expectProblem(await redeem(token), 'link_redeemed');
  });

  test('a new mail leaves at once, one that waits for its turn leaves in the end, one under way is settled', async () => {
    sink.answer = (recipient) => (recipient === 'later@example.com' ? 'later' : 'yes');
    const waiting = await service.mint({ recipient: 'later@example.com' });
    await eventually(async () => (await deliveryOf(waiting.body.id as string)) === 'queued');

    let accept = (): void => {};
    sink.beforeAccepting = () => new Promise((resolve) => (accept = resolve));
    const underWay = await service.mint({ recipient: 'now@example.com' });
    await eventually(async () => (await deliveryOf(underWay.body.id as string)) === 'sending');
    clock.advance(-HOUR);
    await eventually(() => {
      accept();
      return sink.to('now@example.com').length > 0;
    });
    sink.beforeAccepting = () => Promise.resolve();
    await eventually(async () => (await deliveryOf(underWay.body.id as string)) === 'sent');

    const fresh = await service.mint({ recipient: 'fresh@example.com' });
    await eventually(async () => (await deliveryOf(fresh.body.id as string)) === 'sent');
    expect((await redeem(await sink.tokenFor('fresh@example.com'))).status).toBe(200);

    sink.answer = () => 'yes';
    clock.advance(HOUR + 60);
    await eventually(async () => (await deliveryOf(waiting.body.id as string)) === 'sent', 15);
    expect(sink.mails.map(({ to }) => to).sort()).toEqual([
      'fresh@example.com',
      'later@example.com',
      'now@example.com',
    ]);
  });

  test('a revoked API key is not remembered for the hour', async () => {
    const caller = await callerFor(service);
    expect((await caller('GET', '/v1/links')).status).toBe(200);
    clock.advance(-HOUR);
    await revokeKey(service, caller);
    expectProblem(await caller('GET', '/v1/links'), 'unauthorized');
  });
});

describe('the clock steps forward', () => {
  test('links expire, and what was used stays used', async () => {
    const [open, used] = [await service.mintReturned(), await service.mintReturned()];
    expect((await redeem(used.token)).status).toBe(200);
    clock.advance(HOUR);
    expectProblem(await redeem(open.token), 'link_expired');
    expectProblem(await redeem(used.token), 'link_redeemed');
    expect(await statusOf(open.id)).toBe('expired');
  });

  test('a mail that is too late is given up and reported, and never sent', async () => {
    sink.answer = () => 'later';
    const minted = await service.mint({ recipient: 'late@example.com' });
    await eventually(async () => (await deliveryOf(minted.body.id as string)) === 'queued');
    sink.answer = () => 'yes';
    clock.advance(3 * HOUR);
    await eventually(async () => (await deliveryOf(minted.body.id as string)) === 'abandoned', 15);
    expect(sink.mails).toEqual([]);
  });

  test('a mail under way is not sent twice when its lease seems to be over', async () => {
    const accepts: (() => void)[] = [];
    sink.beforeAccepting = () => new Promise((resolve) => void accepts.push(resolve));
    const minted = await service.mint({ recipient: 'ann@example.com' });
    await eventually(() => accepts.length === 1);
    clock.advance(HOUR);
    // Another mail makes the courier look for what is due.
    await service.mint({ recipient: 'bob@example.com' });
    await eventually(() => accepts.length === 2);
    sink.beforeAccepting = () => Promise.resolve();
    for (const accept of accepts) accept();
    await eventually(async () => (await deliveryOf(minted.body.id as string)) === 'sent', 15);
    expect(sink.to('ann@example.com')).toHaveLength(1);
  });
});
