import { writeFileSync } from 'node:fs';
import { Cli } from './cli.js';
import { API_KEY, eventually, mintBody, startService, type TestService } from '../support/service.js';

const KEY = /^olk_[0-9a-f]{16}_[0-9a-f]{40}$/;
const KEY_IN_TEXT = /olk_[0-9a-f]{16}_[0-9a-f]{40}/g;

let service: TestService;
let cli: Cli;
beforeAll(async () => {
  service = await startService();
  cli = new Cli({ DATABASE_URL: service.settings.databaseUrl });
});
afterAll(async () => {
  await service.stop();
  cli.clear();
});

const as = (key: string, method: string, path: string, body?: unknown) =>
  service.request(method, path, { body, headers: { authorization: `Bearer ${key}` } });

describe('apps', () => {
  test('a new app can call the running service at once', async () => {
    const app = await cli.json([
      'apps',
      'create',
      'shop',
      '--name',
      'The Shop',
      '--redirect-uri',
      'https://shop.example/in',
      'https://shop.example/out',
      '--json',
    ]);
    expect(app).toMatchObject({
      id: 'shop',
      name: 'The Shop',
      redirectUris: ['https://shop.example/in', 'https://shop.example/out'],
    });
    expect(app.apiKey.key).toMatch(KEY);
    const minted = await as(
      app.apiKey.key,
      'POST',
      '/v1/links',
      mintBody({ delivery: 'return', redirectUri: 'https://shop.example/out' }),
    );
    expect(minted.status).toBe(201);
    expect(minted.body).toMatchObject({ app: 'shop', redirectUri: 'https://shop.example/out' });
  });

  test('without --json the key stands once in the text, and in no list', async () => {
    const text = await cli.ok(['apps', 'create', 'kiosk']);
    const [key, ...others] = text.match(KEY_IN_TEXT) ?? [];
    expect(others).toEqual([]);
    expect((await as(key!, 'GET', '/v1/purposes')).status).toBe(200);
    const lists = await Promise.all(
      [
        ['apps', 'list'],
        ['keys', 'list'],
        ['keys', 'list', '--json'],
      ].map((args) => cli.ok(args)),
    );
    for (const list of lists) {
      expect(list).toContain('kiosk');
      expect(list).not.toContain(key!.split('_')[2]);
    }
  });

  test('the look and the sender of an app are set, kept by other changes, and taken back', async () => {
    const picture = cli.path('logo.gif');
    writeFileSync(picture, 'GIF89a and so on');
    const look = ['--colour', '#0B5D5B', '--logo', picture, '--from', 'The Inn <hello@inn.example>'];
    await cli.ok(['apps', 'create', 'inn', ...look, '--reply-to', 'desk@inn.example']);
    await cli.ok(['apps', 'update', 'inn', '--name', 'The Inn']);
    const inn = async () => (await cli.json(['apps', 'list', '--json'])).find(({ id }: { id: string }) => id === 'inn');
    expect(await inn()).toEqual({
      id: 'inn',
      name: 'The Inn',
      redirectUris: [],
      colour: '#0b5d5b',
      logo: expect.stringMatching(/^data:image\/gif;base64,/),
      from: { name: 'The Inn', address: 'hello@inn.example' },
      replyTo: 'desk@inn.example',
    });
    await cli.ok(['apps', 'update', 'inn', '--logo', 'none', '--from', 'none', '--reply-to', 'none']);
    expect(await inn()).toEqual({ id: 'inn', name: 'The Inn', redirectUris: [], colour: '#0b5d5b' });
  });

  test.each([
    ['--colour', '#ffd400', /too light .* #[0-9a-f]{6} is the same colour/],
    ['--colour', 'teal', /#2f4fd0/],
    ['--logo', 'nowhere.png', /no such file/],
    ['--logo', 'data:image/svg+xml;base64,PHN2Zy8+', /png/],
    ['--from', 'Inn <a@inn.example, b@inn.example>', /sender/],
    ['--from', 'Inn <"a b"@inn.example>', /sender/],
    ['--from', 'Inn <a@inn>', /mailbox/],
    ['--from', 'I\u202en <a@inn.example>', /one line/],
    ['--reply-to', 'a@inn.example\r\nBcc: b@inn.example', /mailbox/],
  ])('%s %j is refused', async (option, value, words) => {
    const { code, stderr } = await cli.run(['apps', 'create', 'refused', option, value]);
    expect(code).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toMatch(words);
  });

  test('an app that exists stays as it is', async () => {
    const before = await cli.ok(['apps', 'list', '--json']);
    const { code, stdout, stderr } = await cli.run(['apps', 'create', 'default', '--name', 'Taken over']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('already');
    expect(await cli.ok(['apps', 'list', '--json'])).toBe(before);
  });

  test('the name and the redirect URIs can be changed, each by itself', async () => {
    await cli.ok(['apps', 'create', 'press', '--redirect-uri', 'https://old.example/']);
    await cli.ok(['apps', 'update', 'press', '--redirect-uri', 'https://new.example/']);
    await cli.ok(['apps', 'update', 'press', '--name', 'The Press']);
    const apps = await cli.json(['apps', 'list', '--json']);
    expect(apps).toContainEqual({ id: 'press', name: 'The Press', redirectUris: ['https://new.example/'] });
    const unknown = await cli.run(['apps', 'update', 'nobody', '--name', 'Nobody']);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain('no app nobody');
  });
});

describe('API keys', () => {
  test('a key has the scopes it was given, and no others', async () => {
    const { key, ...facts } = await cli.json([
      'keys',
      'create',
      '--scopes',
      'links:read,links:mint',
      '--label',
      'web servers',
      '--json',
    ]);
    expect(facts).toMatchObject({ app: 'default', scopes: ['links:mint', 'links:read'], label: 'web servers' });
    expect((await as(key, 'POST', '/v1/links', mintBody())).status).toBe(201);
    expect((await as(key, 'POST', '/v1/links', mintBody({ delivery: 'return' }))).status).toBe(403);
    expect((await as(key, 'POST', '/v1/links/revoke', { subject: 'nobody' })).status).toBe(403);
  });

  test('a revoked key is refused by the running service', async () => {
    const { id, key } = await cli.json(['keys', 'create', '--json']);
    expect((await as(key, 'GET', '/v1/purposes')).status).toBe(200);
    expect(await cli.ok(['keys', 'revoke', id])).toContain('is revoked');
    await eventually(async () => (await as(key, 'GET', '/v1/purposes')).status === 401);
    expect(await cli.ok(['keys', 'revoke', id])).toContain('before');
    const listed = (await cli.json(['keys', 'list', '--json'])).find((one: { id: string }) => one.id === id);
    expect(listed).toMatchObject({ app: 'default', revokedAt: expect.stringMatching(/Z$/) });
  });

  test('a whole key given by mistake is revoked and never repeated', async () => {
    const { id, key } = await cli.json(['keys', 'create', '--json']);
    const { code, output } = await cli.run(['keys', 'revoke', key]);
    expect(code).toBe(0);
    expect(output).toContain(id);
    expect(output).not.toContain(key.split('_')[2]);
    await eventually(async () => (await as(key, 'GET', '/v1/purposes')).status === 401);
  });

  test('a revoked bootstrap key stays revoked although API_KEY names it, and the operator is told', async () => {
    const output = await cli.ok(['keys', 'revoke', 'test'], { API_KEY });
    expect(output).toContain('API_KEY');
    expect(output).not.toContain(API_KEY);
    await eventually(async () => (await service.api('GET', '/v1/purposes')).status === 401);
  });

  test('a key can end by itself and be for some purposes only; the list says so, and when it was last used', async () => {
    const limits = ['--expires-in', '90d', '--purposes', 'magic-link,password-reset'];
    const { id, key, ...facts } = await cli.json(['keys', 'create', ...limits, '--json']);
    expect(facts).toMatchObject({ purposes: ['magic-link', 'password-reset'], expiresAt: expect.stringMatching(/Z$/) });
    expect(Math.round((Date.parse(facts.expiresAt) - Date.now()) / 86_400_000)).toBe(90);
    expect((await as(key, 'POST', '/v1/links', mintBody())).status).toBe(201);
    expect((await as(key, 'POST', '/v1/links', mintBody({ purpose: 'email-verification' }))).status).toBe(403);
    const listed = await eventually(async () => {
      const keys = (await cli.json(['keys', 'list', '--json'])) as { id: string; lastUsedAt: string | null }[];
      return keys.find((one) => one.id === id && one.lastUsedAt !== null);
    });
    expect(listed).toMatchObject({ ...facts, createdAt: expect.any(String), revokedAt: null });
    const unknown = await cli.run(['keys', 'create', '--purposes', 'magic-lnk']);
    expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('magic-link') });
  });

  test('what is no key id is not repeated either', async () => {
    const secret = '0123456789abcdef0123456789abcdef01234567';
    const { code, stderr, output } = await cli.run(['keys', 'revoke', secret]);
    expect(code).toBe(1);
    expect(stderr).toContain('keys list');
    expect(output).not.toContain(secret);
  });

  test('there is no key without its app', async () => {
    const { code, stdout, stderr } = await cli.run(['keys', 'create', '--app', 'nobody']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('oncelink apps create nobody');
  });
});
