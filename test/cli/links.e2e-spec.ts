import { join } from 'node:path';
import { Cli } from './cli.js';
import { eventually, startService, type TestService } from '../support/service.js';

let service: TestService;
let cli: Cli;
beforeAll(async () => {
  service = await startService();
  cli = new Cli({
    DATABASE_URL: service.settings.databaseUrl,
    PUBLIC_URL: service.url,
    SIGNING_KEYS_FILE: join(service.directory, 'signing-keys.json'),
  });
});
afterAll(async () => {
  await service.stop();
  cli.clear();
});

let people = 0;
const mint = (...more: string[]): string[] => {
  people += 1;
  return [
    'mint',
    '--purpose',
    'magic-link',
    '--recipient',
    `cli-${people}@example.com`,
    '--subject',
    `cli_${people}`,
    ...more,
  ];
};

describe('mint', () => {
  test('the running service mails what was queued', async () => {
    const link = await cli.json(mint('--locale', 'en-GB'));
    expect(link).toMatchObject({ app: 'default', status: 'active', locale: 'en-GB', delivery: { status: 'queued' } });
    expect(link).not.toHaveProperty('token');
    expect(link).not.toHaveProperty('url');
    const mail = await eventually(() => service.inbox.list().find(({ to }) => to === link.recipient), 20);
    expect(mail.messageId).toContain(link.id);
    expect((await cli.json(['show', link.id])).delivery).toMatchObject({
      status: expect.stringMatching(/sen[dt]/),
      attempts: 1,
    });
  });

  test('a returned link is redeemed through the API, with its data and within its life', async () => {
    const link = await cli.json(
      mint(
        '--delivery',
        'return',
        '--expires-in',
        '120',
        '--data',
        '{"plan":"pro"}',
        '--template-data',
        '{"name":"Ann"}',
      ),
    );
    expect(Date.parse(link.expiresAt) - Date.parse(link.createdAt)).toBeLessThanOrEqual(120_000);
    expect(link.url).toBe(`${service.url}/l/${link.token}`);
    const redeemed = await service.api('POST', '/v1/links/redeem', { token: link.token, purpose: 'magic-link' });
    expect(redeemed.status).toBe(200);
    expect(redeemed.body.link).toMatchObject({ id: link.id, data: { plan: 'pro' } });
  });

  test('the faults of a request are told by the names of the options', async () => {
    const { code, stdout, stderr } = await cli.run([
      'mint',
      '--purpose',
      'magic-link',
      '--recipient',
      'Ann <ann@home.example>',
      '--subject',
      'ann',
      '--expires-in',
      '999999',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^ {2}--recipient must be one plain/m);
    expect(stderr).toMatch(/^ {2}--expires-in must be from/m);
    expect(stderr).not.toContain('ann@home.example');
  });

  test.each([
    ['an unknown app', ['--app', 'nobody'], /no app nobody/],
    [
      'a foreign redirect URI',
      ['--redirect-uri', 'https://evil.example/'],
      /^--redirect-uri must equal .*redirect URIs/,
    ],
    ['an unknown purpose', ['--purpose', 'lottery'], /--purpose must be one of the configured purposes: .*magic-link/],
  ])('it is refused: %s', async (_what, more, reason) => {
    const { code, stdout, stderr } = await cli.run(mint(...more));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(reason);
  });

  test('the limits hold for the operator, too', async () => {
    const first = mint();
    await cli.ok(first);
    const { code, stderr } = await cli.run(first);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Try again in \d+ seconds/);
  });

  test.each([
    ['--data', '[1]'],
    ['--data', 'plan=pro'],
    ['--expires-in', '1.5'],
    ['--delivery', 'sms'],
  ])('wrong usage: %s %s', async (...more) => {
    expect((await cli.run(mint(...more))).code).toBe(2);
  });
});

describe('show and revoke', () => {
  test('a link is found by its id, its token and its URL, and its token is never printed', async () => {
    const { id, url, token } = await service.mintReturned({ data: { plan: 'pro' } });
    const outputs = await Promise.all([id, token, url].map((given) => cli.ok(['show', given])));
    for (const output of outputs) {
      expect(JSON.parse(output)).toMatchObject({ id, app: 'default', status: 'active', data: { plan: 'pro' } });
      expect(output).not.toContain(token.split('.')[2]);
    }
  });

  test("another app's link is found as well", async () => {
    await cli.ok(['apps', 'create', 'shop']);
    const { id } = await cli.json(mint('--app', 'shop'));
    expect(await cli.json(['show', id])).toMatchObject({ id, app: 'shop' });
    expect(await cli.ok(['revoke', id])).toContain('of the app shop is revoked');
  });

  test('a forged token finds nothing and is not repeated', async () => {
    const { token } = await service.mintReturned();
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const forged = [header, payload, signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))].join('.');
    const { code, stdout, stderr } = await cli.run(['show', forged]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('not a link of this service');
    expect(stderr).not.toContain(payload);
  });

  test('an unknown id is not repeated', async () => {
    const { code, stdout, stderr } = await cli.run(['show', 'A'.repeat(30)]);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: 'There is no such link.\n' });
  });

  test('a revoked link is refused by the running service', async () => {
    const { id, token } = await service.mintReturned();
    expect(await cli.ok(['revoke', id])).toContain('is revoked');
    const answer = await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
    expect(answer).toMatchObject({ status: 410, body: { code: 'link_revoked' } });
    expect(await cli.ok(['revoke', id])).toContain('was revoked before');
  });

  test('revoking a used link changes nothing', async () => {
    const { id, token } = await service.mintReturned();
    await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
    expect(await cli.ok(['revoke', id])).toContain('was redeemed before');
    expect((await cli.json(['show', id])).status).toBe('redeemed');
  });
});
