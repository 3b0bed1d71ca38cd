import { Messages } from '../../src/links/messages.service.js';
import { addressKey, recipientKey } from '../../src/links/recipient.js';
import { APP, openDomain, OTHER_APP, purposeOf, refusalOf, START, storeWith, type Domain } from '../support/domain.js';

let domain: Domain;
let messages: Messages;
beforeAll(async () => void (domain = await openDomain(purposeOf('magic-link', { reissue: 'keep' }))));
beforeEach(async () => {
  await domain.reset();
  messages = new Messages(domain.messages, domain.purposes, domain.clock.now, domain.onQueued);
});
afterAll(() => domain.close());

const mail = async (change: object = {}) => (await domain.mint('magic-link', change)).link;
/** Ends the attempt at every mail that is due. */
async function attempted(outcome: 'sent' | 'failed'): Promise<void> {
  const { time } = domain.clock;
  for (const { id } of await domain.store.claimDue('lease', time, time + 1000, 100))
    await domain.store.settle(id, 'lease', outcome === 'sent' ? { status: 'sent', at: time } : { status: 'failed', error: 'no' }); // prettier-ignore
}
const detailOf = (answer: Promise<unknown>) =>
  answer.then(
    () => undefined,
    (error: { errors?: { pointer: string; detail: string }[] }) => error.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`).join(), // prettier-ignore
  );

test('a page of messages goes on where it ended', async () => {
  const ids: string[] = [];
  for (let nth = 0; nth < 51; nth++) ids.unshift((await mail()).id);
  await domain.mintToken('magic-link');
  const page = async (query: object) => {
    const { items, nextCursor } = await messages.list(APP, query);
    return [items.map(({ id }) => id), nextCursor];
  };
  expect(await page({})).toEqual([ids.slice(0, 50), ids[49]]);
  expect(await page({ cursor: ids[48], limit: '2' })).toEqual([ids.slice(49), null]);
  expect(await page({ cursor: ids[48], limit: '1' })).toEqual([[ids[49]], ids[49]]);
  const tagged = await mail({ recipient: 'Ann+x@example.com' });
  const plain = await mail({ recipient: 'ann@example.com' });
  expect(await page({ recipient: 'ANN+X@example.com' })).toEqual([[tagged.id], null]);
  expect(await page({ recipient: 'ann@example.com' })).toEqual([[plain.id], null]);
  expect(await page({ status: 'sent' })).toEqual([[], null]);
  expect(await detailOf(messages.list(APP, { recipient: 'nobody' }))).toMatch(/^\/recipient must be/);
});

test('a message is shown to its app', async () => {
  const { id } = await mail();
  expect((await messages.get(APP, id)).id).toBe(id);
  await expect(messages.get(OTHER_APP, id)).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('message'),
  });
});

describe('queueing once more', () => {
  test('sends what came to nothing, with time to deliver it', async () => {
    const { id } = await mail();
    await attempted('failed');
    domain.clock.advance(1000);
    const { delivery } = await messages.requeue(APP, id);
    expect(delivery).toMatchObject({ status: 'queued', dueAt: START + 1_000_000, deliverBy: START + 1_120_000 });
    expect(domain.queued()).toBe(2);
  });

  test('of a purpose that is gone, within the life of the link', async () => {
    const { id } = await mail();
    await attempted('failed');
    const { delivery } = await new Messages(domain.messages, new Map(), domain.clock.now).requeue(APP, id);
    expect(delivery.deliverBy).toBe(START + 600_000);
  });

  test('is refused for what is on its way or was sent', async () => {
    const { id } = await mail();
    expect(await detailOf(messages.requeue(APP, id))).toContain('the mail is queued;');
    await attempted('sent');
    expect(await detailOf(messages.requeue(APP, id))).toContain('the mail is sent;');
    expect(domain.queued()).toBe(1);
    expect(await refusalOf(messages.requeue(APP, domain.ids.next()))).toBe('not_found');
  });

  test('is refused for a link that has ended, if it ever began', async () => {
    const { id } = await mail();
    await attempted('failed');
    domain.clock.advance(601);
    expect(await refusalOf(messages.requeue(OTHER_APP, id))).toBe('not_found');
    expect((await messages.requeue(APP, id)).delivery.status).toBe('queued');
    await attempted('failed');
    await domain.links.revoke(APP, id);
    expect(await refusalOf(messages.requeue(APP, id))).toBe('link_revoked');
    const sent = await mail({ recipient: 'ann@example.com' });
    await attempted('sent');
    await messages.bounce(APP, { recipient: 'ann@example.com', kind: 'hard', messageId: sent.id });
    await messages.lift(APP, 'ann@example.com');
    domain.clock.advance(601);
    expect(await refusalOf(messages.requeue(APP, sent.id))).toBe('link_expired');
  });

  test('is refused while the recipient is suppressed', async () => {
    const { id, recipient } = await mail();
    await attempted('failed');
    await messages.bounce(APP, { recipient, kind: 'complaint' });
    // Its link was never handed over: it has not lived, so it has not expired.
    domain.clock.advance(601);
    expect(await detailOf(messages.requeue(APP, id))).toMatch(/^ cannot be done: the recipient is suppressed/);
  });
});

test('a mail that waits can be cancelled, again and again; one that left cannot', async () => {
  const { id } = await mail();
  expect((await messages.cancel(APP, id)).delivery).toMatchObject({ status: 'cancelled', dueAt: null });
  expect((await messages.cancel(APP, id)).delivery.status).toBe('cancelled');
  const other = await mail();
  await attempted('sent');
  expect(await detailOf(messages.cancel(APP, other.id))).toContain('the mail is sent;');
  expect(await refusalOf(messages.cancel(OTHER_APP, other.id))).toBe('not_found');
});

describe('a bounce', () => {
  test.each([
    ['soft', false, undefined],
    ['hard', true, 'bounced'],
    ['complaint', true, 'complained'],
  ])('that is %s suppresses the recipient: %s', async (kind, suppressed, reason) => {
    const bounced = await messages.bounce(APP, { recipient: 'Ann+x@Example.com', kind });
    expect(bounced).toEqual({ recipient: 'Ann+x@example.com', suppressed, message: null });
    const expected = {
      app: 'shop',
      recipientKey: addressKey('ann+x@example.com'),
      purpose: '*',
      recipient: 'Ann+x@example.com',
      reason,
      createdAt: START,
      until: null,
    };
    expect((await messages.listSuppressions(APP, {})).items).toEqual(suppressed ? [expected] : []);
  });

  test('marks the mail that came back, by its id or Message-ID', async () => {
    const recipient = 'ann@example.com';
    for (const idOf of [
      (id: string) => id,
      (id: string) => `<${id}@mail.example>`,
      (id: string) => `${id}.2`,
      (id: string) => `<${id}.12@mail.example>`,
      (id: string) => `${id}@mail.example`,
    ]) {
      const { id } = await mail({ recipient });
      await attempted('sent');
      expect((await messages.bounce(APP, { recipient, kind: 'hard', messageId: idOf(id) })).message).toBe(id);
      expect((await messages.get(APP, id)).delivery).toMatchObject({ status: 'failed', lastError: expect.stringMatching(/came back/) }); // prettier-ignore
      await messages.lift(APP, recipient);
    }
  });

  test('marks nothing else', async () => {
    const recipient = 'ann@example.com';
    const { id } = await mail({ recipient });
    await attempted('sent');
    const marked = async (change: object) =>
      (await messages.bounce(APP, { recipient, kind: 'hard', ...change })).message;
    for (const messageId of [
      domain.ids.next(),
      `x${id}`,
      `${id}x`,
      `<${id}@a@b>`,
      `<${id}>>`,
      `${id}.x`,
      `<<${id}>`,
      'x',
    ])
      expect([messageId, await marked({ messageId })]).toEqual([messageId, null]);
    expect(await marked({ messageId: id, recipient: 'bob@example.com' })).toBeNull();
    expect(await marked({ messageId: id, kind: 'complaint' })).toBeNull();
    expect(await marked({})).toBeNull();
    expect((await messages.get(APP, id)).delivery.status).toBe('sent');
    await expect(messages.bounce(APP, { recipient: 'nobody', kind: 'hard' })).rejects.toMatchObject({ code: 'request_invalid' }); // prettier-ignore
  });
});

describe('suppressions', () => {
  test('are listed page by page, and by address in each of its forms', async () => {
    for (const recipient of ['ann@example.com', 'ann+x@example.com', 'bob@example.com'])
      await messages.bounce(APP, { recipient, kind: 'hard' });
    const page = async (query: object) => {
      const { items, nextCursor } = await messages.listSuppressions(APP, query);
      return { who: items.map(({ recipient }) => recipient).sort(), keys: items.map((one) => one.recipientKey), nextCursor }; // prettier-ignore
    };
    const all = await page({});
    expect([all.who.length, all.nextCursor]).toEqual([3, null]);
    expect(all.keys).toEqual([...all.keys].sort());
    const first = await page({ limit: '2' });
    expect(first).toMatchObject({ keys: all.keys.slice(0, 2), nextCursor: `${all.keys[1]}.*` });
    expect((await page({ limit: '1' })).nextCursor).toBe(`${all.keys[0]}.*`);
    expect(await page({ limit: '1', cursor: first.nextCursor })).toMatchObject({
      keys: [all.keys[2]],
      nextCursor: null,
    });
    expect((await page({ recipient: 'ann+x@example.com' })).who).toEqual(['ann+x@example.com', 'ann@example.com']);
    expect((await page({ recipient: 'ann@example.com' })).who).toEqual(['ann@example.com']);
    expect((await messages.listSuppressions(OTHER_APP, {})).items).toEqual([]);
  });

  test('are fifty to a page', async () => {
    const limits: number[] = [];
    const listening = new Messages(
      storeWith(domain.messages, { listSuppressions: (_app, _filter, { limit }) => (limits.push(limit), Promise.resolve([])) }), // prettier-ignore
      domain.purposes,
      domain.clock.now,
    );
    await listening.listSuppressions(APP, {});
    expect(limits).toEqual([51]);
  });

  test('are lifted by address, the mailbox with its tags', async () => {
    for (const recipient of ['ann@example.com', 'ann+x@example.com']) await messages.bounce(APP, { recipient, kind: 'hard' }); // prettier-ignore
    expect(await messages.lift(OTHER_APP, 'ann@example.com')).toBe(0);
    expect(await messages.lift(APP, 'ANN+x@example.com')).toBe(2);
    expect(await messages.lift(APP, 'ann@example.com')).toBe(0);
    await messages.bounce(APP, { recipient: 'ann+x@example.com', kind: 'hard' });
    expect(await messages.lift(APP, 'ann@example.com')).toBe(0);
    expect(recipientKey('ann+x@example.com')).toBe(recipientKey('ann@example.com'));
    expect(await detailOf(messages.lift(APP, 'nobody'))).toMatch(/^\/recipient must be/);
  });
});
