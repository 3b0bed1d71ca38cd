import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addApp } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { reportUrlIn, Relay, urlIn } from '../support/relay.js';
import { HandSetClock, startService, type TestService } from '../support/service.js';
import { codeIn, Visitor } from '../support/visitor.js';
import { contentOf, Forger, keySet } from './forger.js';

/**
 * The worst that people do: staging has the signing keys of production and a copy of its database. Here it is the same
 * database, so that nothing but the token can tell the two apart.
 */
const set = keySet('HS256');
const clock = new HandSetClock();
const directory = mkdtempSync(join(tmpdir(), 'oncelink-environments-'));
let production: TestService;
let staging: TestService;
let relay: Relay;
beforeAll(async () => {
  relay = await Relay.start();
  const env = {
    SIGNING_KEYS: JSON.stringify(set),
    DATABASE_URL: `sqlite:${join(directory, 'oncelink.sqlite')}`,
    REDIRECT_URIS: 'https://app.example/callback',
    SMTP_URL: relay.url,
    MAIL_FROM: 'App <no-reply@app.example>',
  };
  production = await startService({ clock, env });
  staging = await startService({ clock, env });
});
afterAll(async () => {
  await Promise.all([production, staging].map((service) => service.stop()));
  await relay.stop();
  rmSync(directory, { recursive: true });
});

const purpose = 'password-reset';
const ask = (service: TestService, verb: 'redeem' | 'inspect', proof: object) =>
  service.api('POST', `/v1/links/${verb}`, { purpose, ...proof });

test('with one signing key and the same rows, what one environment signed is nothing in the other', async () => {
  const { id } = (await production.mint({ recipient: 'ann@example.com' })).body;
  const letter = (await relay.mailTo('ann@example.com')).mail.text!;
  const url = urlIn(letter.split('\n').find((line) => line.includes('/l/')));
  const token = url.split('/l/')[1]!;
  const visitor = new Visitor(production);
  await visitor.open(url);
  const code = codeIn(await visitor.press(id));

  // The row is there, and so is the key.
  expect((await staging.api('GET', `/v1/links/${id}`)).body).toMatchObject({ id, status: 'active' });
  for (const proof of [{ token }, { code }]) {
    for (const verb of ['inspect', 'redeem'] as const) expectProblem(await ask(staging, verb, proof), 'token_invalid');
  }
  expect((await staging.request('GET', `/l/${token}`)).status).toBe(400);
  expect((await staging.request('GET', `/r/${reportUrlIn(letter).split('/r/')[1]}`)).status).toBe(400);
  expect((await production.request('GET', `/r/${reportUrlIn(letter).split('/r/')[1]}`)).status).toBe(303);
  // It is the issuer that tells them apart, and nothing of it was used up.
  const [header, claims] = contentOf(token);
  expect(claims.iss).toBe(production.settings.publicUrl);
  const theirs = new Forger(set).token(header, { ...claims, iss: staging.settings.publicUrl }, { alg: 'HS256' });
  expect((await ask(staging, 'inspect', { token: theirs })).body.link.id).toBe(id);
  expect((await ask(production, 'redeem', { code })).status).toBe(200);
});

test('with one signing key and the same public URL, but rows of its own, an environment knows no link of the other', async () => {
  const env = { SIGNING_KEYS: JSON.stringify(set), PUBLIC_URL: production.settings.publicUrl };
  const twin = await startService({ clock, env });
  try {
    const { token } = await production.mintReturned();
    for (const verb of ['inspect', 'redeem'] as const) expectProblem(await ask(twin, verb, { token }), 'token_invalid');
    expect((await ask(production, 'redeem', { token })).status).toBe(200);
  } finally {
    await twin.stop();
  }
});

test('with everything in common but the app, a link is one of the app that asked for it', async () => {
  const other = await addApp(production, 'other');
  const { token } = await production.mintReturned();
  expectProblem(await other('POST', '/v1/links/redeem', { token, purpose }), 'token_invalid');
  expect((await ask(production, 'redeem', { token })).status).toBe(200);
});
