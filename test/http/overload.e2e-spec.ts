import { join } from 'node:path';
import { APP_STORE, type AppStore } from '../../src/apps/app.js';
import { Links } from '../../src/links/links.service.js';
import { lockDatabase } from '../support/sqlite-lock.js';
import { eventually, startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => void (service = await startService()), 60_000);
afterAll(() => service.stop());

test('while writes wait too long, further ones are refused before anything about them is read; then all is well again', async () => {
  const { token } = await service.mintReturned();
  const release = await lockDatabase(join(service.directory, 'oncelink.sqlite'));
  // More than two batches have seats for. Who waited too long was told so and is followed by another.
  // Not by HTTP: a slow machine would not get so many in before the first give up.
  const links = service.app.get(Links);
  const shop = (await service.app.get<AppStore>(APP_STORE).find('default'))!;
  let waiting = 0;
  const crowd: Promise<unknown>[] = [];
  const mint = async (person: number): Promise<void> => {
    waiting += 1;
    const who = { subject: `person-${person}`, recipient: `person-${person}@example.com` };
    await links.mint(shop, { purpose: 'password-reset', delivery: 'return', ...who }).catch(() => undefined);
    waiting -= 1;
  };
  // No key, no JSON: any other answer than 503 would mean that somebody looked.
  const stranger = (path: string) => service.request('POST', path, { body: '{', headers: { 'x-none': '1' } });
  const refused = await eventually(async () => {
    while (waiting < 600) crowd.push(mint(crowd.length));
    const answer = await stranger('/v1/links');
    return answer.status === 503 && answer;
  });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.body.code).toBe('unavailable');
  expect((await service.api('GET', '/v1/links?limit=1')).status).toBe(200);
  await release();
  await Promise.all(crowd);
  await eventually(async () => (await service.mint()).status === 201);
  expect((await stranger('/v1/links')).status).not.toBe(503);
  expect((await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' })).status).toBe(200);
  // They are counted, not logged one by one.
  expect((await service.request('GET', '/metrics')).text).toMatch(
    /oncelink_problems_total\{code="unavailable"\} [1-9]/,
  );
});
