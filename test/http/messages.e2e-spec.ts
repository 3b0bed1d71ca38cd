import { Courier } from '../../src/links/courier.js';
import { HandSetClock, eventually, startService, type TestService } from '../support/service.js';
import { Relay, urlIn } from '../support/relay.js';

const clock = new HandSetClock();
let relay: Relay;
let service: TestService;
beforeAll(async () => {
  relay = await Relay.start();
  service = await startService({ clock, env: { SMTP_URL: relay.url, MAIL_FROM: 'Example <no-reply@mail.example>' } });
});
afterAll(async () => {
  await service.stop();
  await relay.stop();
});
beforeEach(() => {
  relay.reply = () => undefined;
});

const get = async (path: string) => (await service.api('GET', `/v1/${path}`)).body;
const message = (id: string) => get(`messages/${id}`);
const reached = (id: string, status: string) =>
  eventually(async () => {
    const now = await message(id);
    return now.status === status && now;
  });
const mint = async (body: object = {}) => {
  const answer = await service.mint(body);
  expect(answer.status).toBe(201);
  return answer.body;
};
const pass = (seconds: number) => {
  clock.advance(seconds);
  service.app.get(Courier).wake();
};
const requeue = (id: string) => service.api('POST', `/v1/messages/${id}/requeue`);
const cancel = (id: string) => service.api('POST', `/v1/messages/${id}/cancel`);
const redeem = (token: string) => service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
const tokenTo = async (recipient: string) => urlIn((await relay.mailTo(recipient)).mail.text).split('/l/')[1]!;

describe('a message', () => {
  test('tells of every conversation: when, with which relay, and what it said', async () => {
    const recipient = 'slowly@example.com';
    relay.reply = () => [451, `4.7.1 <${recipient}> greylisted`];
    const { id } = await mint({ recipient });
    const first = new Date(clock.time).toISOString();
    await eventually(async () => (await message(id)).attempts.length === 1);
    expect(await message(id)).toMatchObject({ status: 'queued', nextAttemptAt: expect.any(String), sentAt: null });
    relay.reply = () => undefined;
    pass(3);
    const sent = await reached(id, 'sent');
    const name = `127.0.0.1:${relay.port}`;
    expect(sent.attempts).toEqual([
      { at: first, relay: name, outcome: 'delayed', reply: expect.stringMatching(/^451 4\.7\.1 .*greylisted/) },
      {
        at: new Date(clock.time).toISOString(),
        relay: name,
        outcome: 'accepted',
        reply: expect.stringMatching(/^250/),
      },
    ]);
    expect(JSON.stringify(sent.attempts)).not.toContain(recipient);
    const text = JSON.stringify(await get(`messages?recipient=${recipient}`)) + JSON.stringify(sent);
    expect(text).not.toMatch(/eyJ|\/l\//);
  });

  test('is listed by status and recipient, page by page; decoys and returned links are none', async () => {
    const recipient = 'listed@example.com';
    relay.reply = (to) => (to === recipient ? [554, '5.7.1 no'] : undefined);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { id } = await mint({ recipient });
      ids.unshift(id);
      await reached(id, 'failed');
      clock.advance(31);
    }
    await service.mintReturned({ recipient });
    const decoy = await mint({ recipient: 'nobody@example.com', decoy: true });
    const page = await get(`messages?recipient=${recipient}&status=failed&limit=2`);
    expect(page.items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const rest = await get(`messages?recipient=${recipient}&limit=2&cursor=${page.nextCursor}`);
    expect(rest).toMatchObject({ items: [{ id: ids[2] }], nextCursor: null });
    expect((await get(`messages?recipient=${recipient}&status=sent`)).items).toEqual([]);
    expect((await service.api('GET', `/v1/messages/${decoy.id}`)).status).toBe(404);
    for (const query of ['status=none', 'status=lost', 'recipient=a', 'limit=0', 'cursor=x', 'sort=up'])
      expect((await service.api('GET', `/v1/messages?${query}`)).body.code).toBe('request_invalid');
  });

  test('that was refused is sent after all, as the same mail, and its link begins to live', async () => {
    const recipient = 'after-all@example.com';
    relay.reply = (to) => (to === recipient ? [554, '5.7.1 not from you'] : undefined);
    const { id } = await mint({ recipient, expiresIn: 60 });
    expect((await reached(id, 'failed')).attempts).toHaveLength(1);
    clock.advance(3_600);
    relay.reply = () => undefined;
    expect((await requeue(id)).status).toBe(202);
    await reached(id, 'sent');
    const { mail } = await relay.mailTo(recipient);
    expect(mail.messageId).toBe(`<${id}@mail.example>`);
    expect((await redeem(await tokenTo(recipient))).status).toBe(200);
    expect((await requeue(id)).body).toMatchObject({ code: 'request_invalid' });
  });

  test('is not sent after all when its link is over', async () => {
    relay.reply = () => [554, '5.7.1 no'];
    const { id } = await mint();
    await reached(id, 'failed');
    await service.api('POST', `/v1/links/${id}/revoke`);
    expect((await requeue(id)).body.code).toBe('link_revoked');
    expect((await requeue('A'.repeat(30))).status).toBe(404);
  });

  test('that waits can be taken back; its link stays as it is, and the mail can be sent later', async () => {
    const recipient = 'taken-back@example.com';
    relay.reply = (to) => (to === recipient ? 451 : undefined);
    const { id } = await mint({ recipient });
    await eventually(async () => (await message(id)).attempts.length === 1);
    for (let time = 0; time < 2; time++) expect((await cancel(id)).body.status).toBe('cancelled');
    expect(await get(`links/${id}`)).toMatchObject({ status: 'active', delivery: { status: 'cancelled' } });
    relay.reply = () => undefined;
    pass(60);
    await reached((await mint()).id, 'sent');
    expect(relay.to(recipient)).toEqual([]);
    expect((await requeue(id)).status).toBe(202);
    await reached(id, 'sent');
    expect((await cancel(id)).body.code).toBe('request_invalid');
  });
});

describe('a recipient', () => {
  const to = (recipient: string) => ({ recipient, purpose: 'magic-link' });
  const status = async (recipient: string, body: object = {}) => (await mint({ recipient, ...body })).delivery.status;

  test('whose mailbox a relay does not know gets no more mail, until somebody lifts it', async () => {
    const recipient = 'unknown@example.com';
    relay.reply = (address) => (address === recipient ? [550, `5.1.1 <${recipient}>: no such user`] : undefined);
    const { id } = await mint({ recipient });
    expect((await reached(id, 'failed')).attempts).toHaveLength(1);
    const listed = await eventually(async () => (await get(`suppressions?recipient=${recipient}`)).items[0]);
    expect(listed).toEqual({ recipient, purpose: null, reason: 'refused', createdAt: expect.any(String), until: null });
    const headers = { 'idempotency-key': 'of-the-suppressed' };
    const second = await service.mint({ ...to(recipient), subject: 'same' }, headers);
    expect([second.status, second.body.delivery.status]).toEqual([201, 'suppressed']);
    expect((await service.mint({ ...to(recipient), subject: 'same' }, headers)).body).toEqual(second.body);
    expect(await status(recipient, { purpose: 'email-verification', decoy: true })).toBe('suppressed');
    expect((await service.mintReturned({ recipient })).url).toBeTruthy();
    expect((await requeue(second.body.id)).body.code).toBe('request_invalid');
    relay.reply = () => undefined;
    pass(60);
    await reached((await mint()).id, 'sent');
    expect(relay.offered.filter((address) => address === recipient)).toHaveLength(1);
    const lifted = await service.api('DELETE', `/v1/suppressions/${encodeURIComponent(recipient)}`);
    expect(lifted.body).toEqual({ lifted: 1 });
    expect((await requeue(second.body.id)).status).toBe(202);
    await relay.mailTo(recipient);
  });

  test.each([
    ['550 without more', [550, 'not now'], true],
    ['a mailbox that is full', [552, '5.2.2 over quota'], false],
    ['our reputation', [550, '5.7.1 blocked'], false],
    ['the sender', [550, '5.1.8 sender domain does not exist'], false],
    ['relaying', [550, 'relaying denied'], false],
    ['a mailbox switched off', [554, '5.2.1 disabled'], true],
  ] as const)('is judged by the reply: %s', async (name, reply, suppressed) => {
    const recipient = `${name.replaceAll(' ', '-')}@example.com`;
    relay.reply = (address) => (address === recipient ? reply : undefined);
    await reached((await mint({ recipient })).id, 'failed');
    relay.reply = () => undefined;
    clock.advance(31);
    const next = await mint({ recipient });
    // What is written after the outcome is seen at the latest when the mail is claimed.
    await reached(next.id, suppressed ? 'suppressed' : 'sent');
  });

  test('is not kept from mail by a tag that somebody made up', async () => {
    relay.reply = (address) => (address === 'victim+x@example.com' ? [550, '5.1.1 no'] : undefined);
    await reached((await mint({ recipient: 'victim+x@example.com' })).id, 'failed');
    clock.advance(31);
    await reached((await mint({ recipient: 'victim@example.com' })).id, 'sent');
    expect(await status('victim+x@example.com', { purpose: 'magic-link' })).toBe('suppressed');
  });

  test('whose mail bounced or who complained is suppressed by the word of the mail provider', async () => {
    const recipient = 'bounced@example.com';
    const { id } = await mint({ recipient });
    await reached(id, 'sent');
    const bounce = (body: object) => service.api('POST', '/v1/bounces', { recipient, ...body });
    expect((await bounce({ kind: 'soft' })).body).toEqual({ recipient, suppressed: false, message: null });
    expect(await status(recipient, { purpose: 'magic-link' })).toBe('queued');
    const hard = await bounce({ kind: 'hard', messageId: `<${id}@mail.example>` });
    expect(hard.body).toEqual({ recipient, suppressed: true, message: id });
    expect(await get(`links/${id}`)).toMatchObject({ status: 'active', delivery: { status: 'failed' } });
    expect(await status(recipient, { purpose: 'email-verification' })).toBe('suppressed');
    expect((await bounce({ kind: 'complaint', messageId: 'never heard of' })).body.message).toBeNull();
    expect((await get(`suppressions?recipient=${recipient}`)).items).toMatchObject([{ reason: 'complained' }]);
    for (const body of [{ kind: 'odd' }, {}, { kind: 'hard', recipient: 'a@b, c@d' }, { kind: 'hard', more: 1 }])
      expect((await bounce(body)).body.code).toBe('request_invalid');
  });

  test('waiting for a mail when it is suppressed does not get that one either', async () => {
    const recipient = 'waiting@example.com';
    relay.reply = (address) => (address === recipient ? 451 : undefined);
    const { id } = await mint({ recipient });
    await eventually(async () => (await message(id)).attempts.length === 1);
    await service.api('POST', '/v1/bounces', { recipient, kind: 'hard' });
    relay.reply = () => undefined;
    pass(60);
    await reached(id, 'suppressed');
    expect(relay.to(recipient)).toEqual([]);
  });
});

test('suppressions are listed page by page', async () => {
  for (let n = 0; n < 3; n++) {
    await service.api('POST', '/v1/bounces', { recipient: `page-${n}@example.com`, kind: 'hard' });
  }
  const recipients: string[] = [];
  let query = 'suppressions?limit=1';
  for (let cursor: string | null = ''; cursor !== null; query = `suppressions?limit=1&cursor=${cursor}`) {
    const page = await get(query);
    recipients.push(...page.items.map(({ recipient }: { recipient: string }) => recipient));
    cursor = page.nextCursor;
  }
  expect(new Set(recipients).size).toBe(recipients.length);
  expect(recipients).toEqual(expect.arrayContaining([0, 1, 2].map((n) => `page-${n}@example.com`)));
});
