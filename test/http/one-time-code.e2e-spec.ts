import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { addApp } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { eventually, HandSetClock, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';
import { Visitor, codeIn } from '../support/visitor.js';

const VERIFIER = 'a-secret-of-the-requesting-browser';
const codeChallenge = createHash('sha256').update(VERIFIER).digest('base64url');
const CALLBACK = 'https://app.example/callback';

const clock = new HandSetClock();
const templates = new TemplatesCopy();
let service: TestService;

beforeAll(async () => {
  const set = (purpose: string, lines: string): number =>
    templates.edit(`purposes/${purpose}/purpose.yaml`, 'oneTimeCode: none', lines);
  set('magic-link', 'oneTimeCode: mail');
  set('password-reset', 'oneTimeCode: mail');
  set('email-verification', 'oneTimeCode: screen');
  templates.edit('purposes/email-verification/purpose.yaml', 'binding: optional', 'binding: required');
  // A sign-in that must end where it began, or where its code is typed.
  templates.copy('purposes/magic-link', 'purposes/strict-login');
  templates.edit('purposes/strict-login/purpose.yaml', 'oneTimeCode: mail', 'oneTimeCode: screen');
  templates.edit('purposes/strict-login/purpose.yaml', 'binding: optional', 'binding: required');
  service = await startService({ clock, env: { TEMPLATES_DIR: templates.directory, REDIRECT_URIS: CALLBACK } });
});
afterAll(async () => {
  await service.stop();
  templates.discard();
});

const read = async (id: string) => (await service.api('GET', `/v1/links/${id}`)).body;
const redeem = (body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  service.api('POST', '/v1/links/redeem', body, headers);
/** The mail to a recipient, once it is there. */
async function mailTo({ inbox }: TestService, recipient: string) {
  const mail = await eventually(() => inbox.list().find(({ to }) => to === recipient));
  return PostalMime.parse(mail.raw);
}
/** Well formed, and not the code. */
const wrong = (code: string): string => (code.startsWith('2') ? '3' : '2') + code.slice(1);

describe('a one-time code in the mail', () => {
  const purpose = 'magic-link';
  const minted = async (body: object = {}): Promise<{ id: string; token: string; oneTimeCode: string }> =>
    (await service.mintReturned({ purpose, ...body })) as never;

  test.each(['magic-link', 'password-reset'])('stands in both parts of the mail of %s and redeems', async (mailed) => {
    const answer = await service.mint({ purpose: mailed });
    expect(answer.body.oneTimeCode).toBeUndefined();
    const { id, recipient } = answer.body;
    const mail = await mailTo(service, recipient);
    const [, code] = /^([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4})$/m.exec(mail.text!)!;
    expect(mail.html).toContain(`>${code}<`);
    const redeemed = await redeem({ id, oneTimeCode: code!.toLowerCase().replace('-', ' '), purpose: mailed });
    expect(redeemed.body).toMatchObject({ link: { id, status: 'redeemed' }, sameBrowser: null });
    expectProblem(await redeem({ id, oneTimeCode: code, purpose: mailed }), 'link_redeemed');
  });

  test('is part of the link: using either uses both', async () => {
    const one = await minted();
    expect((await redeem({ token: one.token, purpose })).status).toBe(200);
    expectProblem(await redeem({ id: one.id, oneTimeCode: one.oneTimeCode, purpose }), 'link_redeemed');
    const other = await minted();
    expect((await redeem({ id: other.id, oneTimeCode: other.oneTimeCode, purpose })).status).toBe(200);
    expectProblem(await redeem({ token: other.token, purpose }), 'link_redeemed');
  });

  test('is dead after five wrong ones, and the link is not', async () => {
    const { id, token, oneTimeCode } = await minted();
    for (let guess = 0; guess < 5; guess++) {
      expectProblem(await redeem({ id, oneTimeCode: wrong(oneTimeCode), purpose }), 'code_incorrect');
    }
    expectProblem(await redeem({ id, oneTimeCode, purpose }), 'code_exhausted');
    expectProblem(await redeem({ id, oneTimeCode: wrong(oneTimeCode), purpose }), 'code_exhausted');
    expect((await read(id)).status).toBe('active');
    expect((await redeem({ token, purpose })).status).toBe(200);
  });

  test('is still good after four wrong ones and any number that cannot be one', async () => {
    const { id, oneTimeCode } = await minted();
    for (let guess = 0; guess < 4; guess++) await redeem({ id, oneTimeCode: wrong(oneTimeCode), purpose });
    for (const typed of ['12345678U', 'test', 'ann@example.com', '٣٣٣٣٣٣٣٣', ' ', '-', '7', 'x'.repeat(64)]) {
      expectProblem(await redeem({ id, oneTimeCode: typed, purpose }), 'code_incorrect');
    }
    expect((await redeem({ id, oneTimeCode, purpose })).status).toBe(200);
  });

  test('has five attempts also when a hundred are made at once', async () => {
    const { id, oneTimeCode } = await minted();
    const guesses = Array.from({ length: 100 }, () => redeem({ id, oneTimeCode: wrong(oneTimeCode), purpose }));
    const codes = (await Promise.all(guesses)).map(({ body }) => body.code);
    expect(codes.filter((code) => code === 'code_incorrect')).toHaveLength(5);
    expect(codes.filter((code) => code === 'code_exhausted')).toHaveLength(95);
  });

  test('is judged like a token: state, fingerprint and verifier, and a refusal uses nothing up', async () => {
    const { id, oneTimeCode } = await minted({ fingerprint: 'v1', codeChallenge });
    const by = (more: object): Promise<Answer> => redeem({ id, oneTimeCode, purpose, ...more });
    for (let round = 0; round < 3; round++) {
      expectProblem(await by({ codeVerifier: VERIFIER }), 'fingerprint_mismatch');
      expectProblem(await by({ fingerprint: 'v1', codeVerifier: 'of another browser' }), 'binding_mismatch');
    }
    const answer = await by({ fingerprint: 'v1', codeVerifier: VERIFIER });
    expect([answer.status, answer.body.sameBrowser]).toEqual([200, true]);

    const late = await minted({ expiresIn: 60 });
    clock.advance(60);
    expectProblem(await redeem({ id: late.id, oneTimeCode: late.oneTimeCode, purpose }), 'link_expired');
    const withdrawn = await minted();
    await service.api('POST', `/v1/links/${withdrawn.id}/revoke`);
    expectProblem(await redeem({ id: withdrawn.id, oneTimeCode: withdrawn.oneTimeCode, purpose }), 'link_revoked');
  });

  test('wins again with the key under which it won', async () => {
    const { id, oneTimeCode } = await minted();
    const key = { 'idempotency-key': `typed-${id}` };
    const first = await redeem({ id, oneTimeCode, purpose }, key);
    const again = await redeem({ id, oneTimeCode, purpose }, key);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    expect(again.body).toEqual(first.body);
    expectProblem(await redeem({ id, oneTimeCode, purpose }), 'link_redeemed');
  });

  test('of an unknown address, of another app, of another purpose or of no link is none', async () => {
    const other = await addApp(service, 'other', ['https://other.example/']);
    const { id, oneTimeCode } = await minted();
    expectProblem(await other('POST', '/v1/links/redeem', { id, oneTimeCode, purpose }), 'token_invalid');
    expectProblem(await redeem({ id, oneTimeCode, purpose: 'password-reset' }), 'token_invalid');
    expectProblem(await redeem({ id: 'x'.repeat(30), oneTimeCode, purpose }), 'token_invalid');
    expectProblem(await redeem({ id, oneTimeCode, purpose: 'no-such' }), 'request_invalid');
    expect((await redeem({ id, oneTimeCode, purpose })).status).toBe(200);
  });

  test('is mistyped for a decoy exactly as for a link', async () => {
    const [link, decoy] = [await minted(), await minted({ decoy: true })];
    for (let guess = 0; guess < 7; guess++) {
      const answers = [link, decoy].map(({ id, oneTimeCode }) =>
        redeem({ id, oneTimeCode: wrong(oneTimeCode), purpose }),
      );
      const [one, other] = (await Promise.all(answers)).map(({ status, body }) => [status, { ...body, instance: '' }]);
      expect(other).toEqual(one);
    }
  });

  test('cannot be inspected, nor given beside a token', async () => {
    const { id, token, oneTimeCode } = await minted();
    expectProblem(await service.api('POST', '/v1/links/inspect', { id, oneTimeCode, purpose }), 'request_invalid');
    for (const body of [{ id }, { oneTimeCode }, { token, id }, { token, oneTimeCode }, { token, id, oneTimeCode }])
      expectProblem(await redeem({ ...body, purpose }), 'request_invalid');
    expect((await redeem({ token, purpose })).status).toBe(200);
  });

  test('is not at rest: neither in the database nor in the log', async () => {
    const { id, oneTimeCode } = await minted();
    await redeem({ id, oneTimeCode: wrong(oneTimeCode), purpose });
    const database = ['', '-wal'].map((end) =>
      readFileSync(join(service.directory, `oncelink.sqlite${end}`), 'latin1'),
    );
    expect(database.join('')).toContain(id);
    for (const text of [...database, service.logged()]) {
      expect(text).not.toContain(oneTimeCode);
      expect(text).not.toContain(oneTimeCode.replace('-', ''));
    }
  });
});

describe('a purpose without one', () => {
  test('has none in its mail or answers, and takes none', async () => {
    const plain = await startService();
    const answer = await plain.mint({ purpose: 'magic-link' });
    const mail = await mailTo(plain, answer.body.recipient);
    expect(mail.text! + mail.html!).not.toMatch(/code/i);
    const { body } = await plain.api('POST', '/v1/links', mintBody({ delivery: 'return' }));
    expect(Object.keys(body)).not.toContain('oneTimeCode');
    const typed = { id: answer.body.id, oneTimeCode: '7K2M-9QXT', purpose: 'magic-link' };
    expectProblem(await plain.api('POST', '/v1/links/redeem', typed), 'request_invalid');
    await plain.stop();
  });
});

describe('a one-time code on the requesting screen', () => {
  interface Minted {
    id: string;
    url: string;
    token: string;
    oneTimeCode: string;
  }
  const minted = async (body: object): Promise<Minted> =>
    (await service.mintReturned({ codeChallenge, ...body })) as never;
  const arrive = async (body: object): Promise<{ link: Minted; visitor: Visitor }> => {
    const link = await minted(body);
    const visitor = new Visitor(service);
    await visitor.open(link.url);
    return { link, visitor };
  };
  const type = (visitor: Visitor, id: string, oneTimeCode: string): Promise<Answer> =>
    visitor.press(id, undefined, { oneTimeCode });

  test('is in the answer of the mint, again for the same Idempotency-Key, and nowhere else', async () => {
    const body = mintBody({ purpose: 'strict-login', codeChallenge });
    const first = await service.api('POST', '/v1/links', body, { 'idempotency-key': 'screen' });
    const again = await service.api('POST', '/v1/links', body, { 'idempotency-key': 'screen' });
    const { id, recipient, oneTimeCode } = first.body;
    expect(oneTimeCode).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(again.body).toEqual(first.body);
    expect(JSON.stringify(await read(id))).not.toContain(oneTimeCode);
    const mail = await mailTo(service, recipient);
    expect(mail.text! + mail.html!).not.toContain(oneTimeCode);
  });

  test('proves no mailbox: without the link it redeems nothing', async () => {
    const { id, oneTimeCode } = await minted({ purpose: 'strict-login' });
    const typed = { id, oneTimeCode, purpose: 'strict-login', codeVerifier: VERIFIER };
    expectProblem(await redeem(typed), 'request_invalid');
    expect((await read(id)).status).toBe('active');
  });

  test('typed on the page stands in for the browser: the app redeems without its secret', async () => {
    const purpose = 'strict-login';
    const { link, visitor } = await arrive({ purpose });
    // The button alone hands over a code that only the requesting browser can use.
    const plain = codeIn(await visitor.press(link.id));
    expectProblem(await redeem({ code: plain, purpose }), 'binding_mismatch');
    expectProblem(await redeem({ code: plain, purpose, codeVerifier: 'of another browser' }), 'binding_mismatch');
    const typed = codeIn(await type(visitor, link.id, link.oneTimeCode));
    expect((await read(link.id)).status).toBe('active');
    const answer = await redeem({ code: typed, purpose, codeVerifier: 'of another browser' });
    expect([answer.status, answer.body.sameBrowser]).toEqual([200, false]);
  });

  test('mistyped, shows the page again and says so; after five only the browser is left', async () => {
    const purpose = 'strict-login';
    const { link, visitor } = await arrive({ purpose });
    for (let guess = 1; guess <= 5; guess++) {
      const page = await type(visitor, link.id, wrong(link.oneTimeCode));
      expect([page.status, page.text.includes('name="oneTimeCode"')]).toEqual([400, guess < 5]);
      expect(page.text).toMatch(guess < 5 ? /not the code/ : /too many times/);
    }
    expect((await type(visitor, link.id, link.oneTimeCode)).status).toBe(410);
    expect((await visitor.get(`/links/${link.id}`)).text).not.toContain('name="oneTimeCode"');
    const code = codeIn(await visitor.press(link.id));
    expect((await redeem({ code, purpose, codeVerifier: VERIFIER })).body.sameBrowser).toBe(true);
  });

  test('mistyped, stays in the field for people to compare, and is harmless there', async () => {
    const { link, visitor } = await arrive({ purpose: 'strict-login' });
    const field = async (typed: string) =>
      /<input [^>]*name="oneTimeCode"[^>]*>/.exec((await type(visitor, link.id, typed)).text)![0];
    expect(/<input [^>]*name="oneTimeCode"[^>]*>/.exec((await visitor.get(`/links/${link.id}`)).text)![0]).toContain(
      ' value="" ',
    );
    expect(await field(wrong(link.oneTimeCode))).toContain(` value="${wrong(link.oneTimeCode)}" `);
    expect(await field(`'"><b>{{nonce}}`)).toContain(' value="&#x27;&quot;&gt;&lt;b&gt;{{nonce}}" ');
    expect(await field('x'.repeat(64))).toContain(` value="${'x'.repeat(24)}" `);
  });

  test('that is no text is none', async () => {
    const { link, visitor } = await arrive({ purpose: 'strict-login' });
    for (const oneTimeCode of [5, null, ['x'], { toString: 'x' }]) {
      const answer = await service.request('POST', `/links/${link.id}`, {
        body: JSON.stringify({ oneTimeCode }),
        headers: { 'content-type': 'application/json', cookie: visitor.cookie!, 'sec-fetch-site': 'same-origin' },
      });
      expect(answer.status).toBe(303);
    }
  });

  test('of another link is a wrong one', async () => {
    const [one, two] = [await arrive({ purpose: 'strict-login' }), await arrive({ purpose: 'strict-login' })];
    expect((await type(one.visitor, one.link.id, two.link.oneTimeCode)).status).toBe(400);
  });

  describe('of a purpose that is redeemed on its page', () => {
    const purpose = 'email-verification';

    test('redeems there; typed again in the same browser it shows the same', async () => {
      const bare = await addApp(service, 'bare');
      const { body: link } = await bare('POST', '/v1/links', mintBody({ purpose, codeChallenge, delivery: 'return' }));
      const visitor = new Visitor(service);
      await visitor.open(link.url);
      // There is no app page to prove the browser on, so the code is the only way.
      const page = await visitor.get(`/links/${link.id}`);
      expect(page.text.match(/<button/g)).toHaveLength(1);
      expect(page.text).toContain('name="oneTimeCode"');
      const first = await type(visitor, link.id, link.oneTimeCode);
      expect([first.status, /confirmed/.test(first.text)]).toEqual([200, true]);
      expect((await type(visitor, link.id, link.oneTimeCode)).text).toBe(first.text);
      expect((await bare('GET', `/v1/links/${link.id}`)).body.status).toBe('redeemed');
    });

    test('the button alone leaves it to the app, which knows the browser', async () => {
      const { link, visitor } = await arrive({ purpose });
      const code = codeIn(await visitor.press(link.id));
      expect((await read(link.id)).status).toBe('active');
      expectProblem(await redeem({ code, purpose }), 'binding_mismatch');
      expect((await redeem({ code, purpose, codeVerifier: VERIFIER })).body.sameBrowser).toBe(true);
    });

    test('goes on to the app with a code that can be inspected', async () => {
      const { link, visitor } = await arrive({ purpose, redirectUri: CALLBACK });
      const code = codeIn(await type(visitor, link.id, link.oneTimeCode));
      const inspected = await service.api('POST', '/v1/links/inspect', { code, purpose });
      expect(inspected.body.link).toMatchObject({ id: link.id, status: 'redeemed' });
    });
  });
});
