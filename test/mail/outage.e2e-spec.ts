import { LINK_STORE, type LinkStore } from '../../src/links/link-store.js';
import { Courier } from '../../src/links/courier.js';
import { Relay } from '../support/relay.js';
import { eventually, freePort, HandSetClock, startService, type TestService } from '../support/service.js';

const COUNT = process.env.MAIL === 'full' ? 2_000 : 60;
const MINUTE = 60;
const MAGIC_LINK_DELIVERED_WITHIN = 10 * MINUTE;

const clock = new HandSetClock();
let port: number;
let service: TestService;
let relay: Relay | undefined;
beforeAll(async () => {
  port = await freePort();
  service = await startService({ clock, env: { SMTP_URL: `smtp://127.0.0.1:${port}`, LOG_LEVEL: 'error' } });
});
afterAll(async () => {
  await service.stop();
  await relay?.stop();
});

async function mintAll(purpose: string): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < COUNT) {
    const batch = Array.from({ length: Math.min(50, COUNT - ids.length) }, () => service.mint({ purpose }));
    for (const { status, body } of await Promise.all(batch)) {
      expect(status).toBe(201);
      ids.push(body.id);
    }
  }
  return ids;
}

/** Time passes, and the courier does what is due by then. */
async function pass(seconds: number): Promise<void> {
  clock.advance(seconds);
  const store = service.app.get<LinkStore>(LINK_STORE);
  await eventually(async () => {
    service.app.get(Courier).wake();
    const [due, sending] = await Promise.all([store.nextDue(), service.api('GET', '/v1/messages?status=sending')]);
    return (due === null || due > clock.time) && sending.body.items.length === 0;
  }, 120);
}

async function deliveries(ids: readonly string[]): Promise<any[]> {
  const links = [];
  for (const id of ids) links.push((await service.api('GET', `/v1/links/${id}`)).body);
  return links;
}
const inStatus = async (status: string): Promise<number> => {
  let found = 0;
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = `status=${status}&limit=200${cursor && `&cursor=${cursor}`}`;
    const { body } = await service.api('GET', `/v1/messages?${query}`);
    found += body.items.length;
    cursor = body.nextCursor;
  }
  return found;
};

test(`an hour without a relay: ${COUNT} reset links arrive with their whole life, ${COUNT} magic links end at their deadline`, async () => {
  const resets = await mintAll('password-reset');
  const magic = await mintAll('magic-link');
  await pass(0);
  expect(await inStatus('queued')).toBe(2 * COUNT);
  // The circuit is open: nobody knocks any more, and whoever looks can see it.
  const { body } = await service.request('GET', '/health/ready');
  expect(body).toMatchObject({ status: 'ok', relays: [{ relay: `127.0.0.1:${port}`, circuit: 'open' }] });
  expect((await service.request('GET', '/metrics')).text).toMatch(/oncelink_relay_circuit\{relay="[^"]+"\} 2/);

  await pass(MAGIC_LINK_DELIVERED_WITHIN - 1);
  clock.time += 999;
  await pass(0);
  expect(await inStatus('abandoned')).toBe(0);
  clock.time += 1;
  await pass(0);
  expect(await inStatus('abandoned')).toBe(COUNT);
  for (let minutes = 10; minutes < 60; minutes += 10) await pass(10 * MINUTE);
  expect(await inStatus('queued')).toBe(COUNT);

  relay = await Relay.start(port);
  for (let step = 0; step < 10 && (await inStatus('queued')) > 0; step++) await pass(15);
  expect([await inStatus('sent'), await inStatus('abandoned')]).toEqual([COUNT, COUNT]);

  const mailed = relay.received.map(({ mail }) => mail.messageId!.slice(1).split('@')[0]!);
  expect([...mailed].sort()).toEqual([...resets].sort());
  for (const link of await deliveries(resets)) {
    expect([link.status, link.delivery.status]).toEqual(['active', 'sent']);
    const left = Date.parse(link.expiresAt) - Date.parse(link.delivery.sentAt);
    expect(left).toBeGreaterThanOrEqual(0.95 * 30 * MINUTE * 1000);
  }
  expect(new Set((await deliveries(magic)).map((link) => link.delivery.status))).toEqual(new Set(['abandoned']));
}, 600_000);
