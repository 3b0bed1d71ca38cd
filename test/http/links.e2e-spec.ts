import { startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => void (service = await startService()));
afterAll(() => service.stop());

test('a link is minted, inspected and redeemed once', async () => {
  const { id, token } = await service.mintReturned({ purpose: 'magic-link', data: { plan: 'pro' } });
  const question = { token, purpose: 'magic-link' };
  expect((await service.api('POST', '/v1/links/inspect', question)).body.link.status).toBe('active');
  const redeemed = await service.api('POST', '/v1/links/redeem', question);
  expect(redeemed.status).toBe(200);
  expect(redeemed.body).toMatchObject({ link: { id, status: 'redeemed', data: { plan: 'pro' } }, sameBrowser: null });
  expect((await service.api('POST', '/v1/links/redeem', question)).body.code).toBe('link_redeemed');
});
