import { Notifications } from '../../src/links/notifications.js';
import { APP, NOTICE, openDomain, refusalOf, START, type Domain } from '../support/domain.js';

let domain: Domain;
let notifications: Notifications;
const knowing = (...purposes: (typeof NOTICE)[]) =>
  new Notifications(
    domain.store,
    new Map(purposes.map((purpose) => [purpose.name, purpose])),
    domain.limits,
    domain.ids,
    domain.clock.now,
    domain.onQueued,
  );
beforeAll(async () => void (domain = await openDomain()));
beforeEach(async () => {
  await domain.reset();
  notifications = knowing(NOTICE);
});
afterAll(() => domain.close());

test('a notification is a durable row, queued once', async () => {
  const body = domain.body('notice');
  const sent = await notifications.send(APP, body, 'key');
  expect(sent).toEqual({ link: await domain.store.find('shop', sent.link.id), replayed: false });
  expect(sent.link).toMatchObject({ kind: 'notification', delivery: { status: 'queued', deliverBy: START + 60_000 } });
  expect(await notifications.send(APP, body, 'key')).toEqual({ ...sent, replayed: true });
  expect(domain.queued()).toBe(1);
  expect(await refusalOf(notifications.send(APP, { ...body, locale: 'de' }, 'key'))).toBe('idempotency_mismatch');
});

test('to somebody who gets none it is not queued', async () => {
  const { link } = await notifications.send(APP, domain.body('notice', { recipient: 'ann@example.com' }));
  const { recipientKey, recipient } = link;
  await domain.messages.suppress({
    app: 'shop',
    recipientKey,
    purpose: '*',
    recipient: recipient!,
    reason: 'refused',
    createdAt: START,
    until: null,
  });
  await notifications.send(APP, domain.body('notice', { recipient: 'ann@example.com' }));
  expect(domain.queued()).toBe(1);
});

test('an unknown one is refused with those there are', async () => {
  const detail = (known: Notifications) =>
    known.send(APP, domain.body('unknown')).catch((error: { errors: unknown }) => error.errors);
  const details = [await detail(knowing(NOTICE, { ...NOTICE, name: 'second' })), await detail(knowing())];
  expect(details).toEqual([
    [{ pointer: '/purpose', detail: expect.stringMatching(/notice, second$/) }],
    [{ pointer: '/purpose', detail: expect.stringMatching(/none is configured$/) }],
  ]);
});
