import { HandSetClock, startService, type TestService } from '../support/service.js';

/** Two instances on one database, with one clock. */
const clock = new HandSetClock();
let one: TestService;
let two: TestService;
beforeAll(async () => {
  one = await startService({ clock });
  const { databaseUrl, signingKeysFile, publicUrl } = one.settings;
  const shared = { DATABASE_URL: databaseUrl, SIGNING_KEYS_FILE: signingKeysFile!, PUBLIC_URL: publicUrl };
  two = await startService({ clock, env: shared });
});
afterAll(async () => {
  await two.stop();
  await one.stop();
});

const purpose = 'password-reset';
const redeemed = async (service: TestService, token: string): Promise<string> => {
  const { status, body } = await service.api('POST', '/v1/links/redeem', { token, purpose });
  return status === 200 ? 'redeemed' : body.code;
};

test('what one instance withdraws, uses up or replaces, another refuses at once: no link is remembered', async () => {
  const links = [await one.mintReturned(), await one.mintReturned(), await one.mintReturned({ subject: 'replaced' })];
  const inspect = ({ token }: { token: string }) => two.api('POST', '/v1/links/inspect', { token, purpose });
  for (const link of links) expect((await inspect(link)).status).toBe(200);
  const [revoked, used, older] = links as [(typeof links)[0], (typeof links)[0], (typeof links)[0]];

  await one.api('POST', `/v1/links/${revoked.id}/revoke`);
  expect(await redeemed(two, revoked.token)).toBe('link_revoked');
  expect(await redeemed(one, used.token)).toBe('redeemed');
  expect(await redeemed(two, used.token)).toBe('link_redeemed');
  const newer = await one.mintReturned({ subject: 'replaced' });
  expect(await redeemed(two, older.token)).toBe('link_superseded');
  expect(await redeemed(two, newer.token)).toBe('redeemed');
});

test('a link is good to the last moment of its life, and not a moment longer', async () => {
  const { token } = await one.mintReturned({ expiresIn: 60 });
  const { token: late } = await one.mintReturned({ expiresIn: 60 });
  clock.time = Math.floor(clock.time / 1000) * 1000 + 60_000 - 1;
  expect(await redeemed(two, token)).toBe('redeemed');
  clock.time += 1;
  expect(await redeemed(two, late)).toBe('link_expired');
});
