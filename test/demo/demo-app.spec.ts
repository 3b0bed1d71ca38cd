import { createHash } from 'node:crypto';
import { problem, Stage, type Answer, type Call, type Visitor } from './stub-api.js';

const PASSWORD = 'fog on the lake';
const CODE = 'header.payload.signature';

describe('The demo app', () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.set();
  });
  afterEach(() => stage.strike());

  const signUp = (visitor: Visitor, email: string, name = 'Ann') =>
    visitor.post('/demo/sign-up', { name, email, password: PASSWORD });
  const logIn = (visitor: Visitor, email: string, password = PASSWORD) =>
    visitor.post('/demo/log-in', { email, password });
  const lastCall = (): Call => stage.calls.at(-1)!;

  /** A member with a link in hand: what the API says of the link, and a browser that has just brought its code. */
  const memberWithCode = async (page: 'reset' | 'signed-in' | 'verified', more: object = {}) => {
    const visitor = stage.browser();
    await signUp(visitor, 'ann@example.com');
    const link = { subject: lastCall().body['subject'], recipient: 'ann@example.com', status: 'active', ...more };
    stage.answer = () => ({ status: 200, body: { link } });
    await visitor.get(`/demo/${page}?code=${CODE}&purpose=x&iss=y`);
    return { visitor, link };
  };

  describe('what it asks Oncelink for', () => {
    it('mints a verification for a new account', async () => {
      await signUp(stage.browser(), ' Ann@Example.com ');
      expect(lastCall().headers.authorization).toBe('Bearer olk_a_b');
      expect(lastCall().body).toEqual({
        purpose: 'email-verification',
        recipient: 'ann@example.com',
        subject: expect.stringMatching(/^[\w-]{36}$/),
        templateData: { name: 'Ann' },
        redirectUri: 'http://localhost:3000/demo/verified',
        codeChallenge: expect.stringMatching(/^[\w-]{43}$/),
      });
    });

    it.each([
      ['magic-link', '/demo/magic-link'],
      ['password-reset', '/demo/forgot'],
    ])('mints a %s for a member and a decoy for a stranger, and answers both alike', async (purpose, path) => {
      await signUp(stage.browser(), 'ann@example.com');
      const known = await stage.browser().post(path, { email: 'ann@example.com' });
      expect(lastCall().body).toMatchObject({ purpose, decoy: false });
      const unknown = await stage.browser().post(path, { email: 'bob@example.com' });
      expect(lastCall().body).toMatchObject({ purpose, decoy: true, subject: expect.any(String) });
      expect([unknown.statusCode, unknown.headers.location]).toEqual([known.statusCode, known.headers.location]);
      expect(known.statusCode).toBe(303);
    });

    it('binds a magic link to the browser (RFC 7636, S256), and keeps its secret for the next one', async () => {
      const visitor = stage.browser();
      await visitor.post('/demo/magic-link', { email: 'ann@example.com' });
      const verifier = visitor.jar.get('fernweh_verifier')!.value;
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      expect(lastCall().body['codeChallenge']).toBe(challenge);
      await visitor.post('/demo/magic-link', { email: 'bob@example.com' });
      expect(lastCall().body['codeChallenge']).toBe(challenge);
    });

    it('does not let a name advertise in a mail to somebody else', async () => {
      for (const name of ['win at evil.example', 'https://x', 'a@b', '', 'x'.repeat(65), 'a\u202eb']) {
        expect((await signUp(stage.browser(), 'ann@example.com', name)).statusCode).toBe(422);
      }
      expect(stage.calls).toEqual([]);
    });
  });

  describe('the code that comes back', () => {
    it('leaves the address bar at once, for a cookie that only this page gets', async () => {
      const answer = await stage.browser().get(`/demo/reset?code=${CODE}&purpose=password-reset&iss=x`);
      expect([answer.statusCode, answer.headers.location]).toEqual([303, '/demo/reset']);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
      const cookie = answer.cookies.find(({ name }) => name === 'fernweh_code')!;
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/demo/reset' });
      expect(cookie.value).toContain(CODE);
      expect(stage.calls).toEqual([]);
    });

    it('travels in Secure cookies on https', async () => {
      const secure = await Stage.set('https://fernweh.example/demo');
      const answer = await secure.browser().get(`/demo/reset?code=${CODE}`);
      expect(answer.cookies[0]).toMatchObject({ secure: true });
      await secure.strike();
    });

    it.each([['a%0d%0ab'], ['%3Cscript%3E'], ['a&code=b'], ['']])('is dropped if it is none: %s', async (junk) => {
      const visitor = stage.browser();
      await visitor.get(`/demo/reset?code=${junk}`);
      const answer = await visitor.get('/demo/reset');
      expect(answer.statusCode).toBe(400);
      expect(answer.body).toContain('/demo/forgot');
      expect(stage.calls).toEqual([]);
    });
  });

  describe('confirming an address', () => {
    it('verifies the account the link was mailed for', async () => {
      const { visitor } = await memberWithCode('verified', { status: 'redeemed' });
      expect((await visitor.get('/demo/verified')).body).toContain('Your address is confirmed');
      expect(lastCall()).toMatchObject({
        path: '/v1/links/inspect',
        body: { code: CODE, purpose: 'email-verification' },
      });
      await logIn(visitor, 'ann@example.com');
      expect((await visitor.get('/demo/account')).body).not.toContain('not verified');
    });

    it.each([
      ['went to another address', { status: 'redeemed', recipient: 'old@example.com' }],
      ['is not redeemed', { status: 'active' }],
      ['is of nobody', { status: 'redeemed', subject: 'nobody' }],
    ])('verifies nothing if the link %s', async (_, more) => {
      const { visitor } = await memberWithCode('verified', more);
      expect((await visitor.get('/demo/verified')).statusCode).toBe(400);
      await logIn(visitor, 'ann@example.com');
      expect((await visitor.get('/demo/account')).body).toContain('not verified');
    });
  });

  describe('a new password', () => {
    it('uses the link up only with a password that is accepted', async () => {
      const { visitor } = await memberWithCode('reset');
      const form = await visitor.get('/demo/reset');
      expect(form.body).toContain('ann@example.com');
      stage.calls.length = 0;
      const refused = await visitor.post('/demo/reset', { password: 'short' });
      expect([refused.statusCode, stage.calls]).toEqual([422, []]);
      const accepted = await visitor.post('/demo/reset', { password: 'light until midnight' });
      expect([accepted.statusCode, accepted.headers.location]).toEqual([303, '/demo/password-changed']);
      expect(stage.calls.map(({ path }) => path)).toEqual(['/v1/links/redeem']);
      const told = { purpose: 'password-changed', recipient: 'ann@example.com' };
      expect(stage.told.map(({ body }) => body)).toEqual([expect.objectContaining(told)]);
      expect((await logIn(visitor, 'ann@example.com')).statusCode).toBe(422);
      expect((await logIn(visitor, 'ann@example.com', 'light until midnight')).statusCode).toBe(303);
    });

    it('wants the address, too, in a browser that did not ask for the link', async () => {
      const { visitor } = await memberWithCode('reset');
      visitor.jar.delete('fernweh_verifier');
      expect((await visitor.get('/demo/reset')).body).not.toMatch(/ann(<wbr \/>)?@example/);
      stage.calls.length = 0;
      for (const email of ['', 'test@example.com']) {
        const refused = await visitor.post('/demo/reset', { email, password: 'light until midnight' });
        expect([refused.statusCode, stage.calls]).toEqual([422, []]);
      }
      const accepted = await visitor.post('/demo/reset', {
        email: 'ann@example.com',
        password: 'light until midnight',
      });
      expect(accepted.headers.location).toBe('/demo/password-changed');
    });

    it('says that it is changed also when the page is loaded again or gone back to, and only then', async () => {
      const { visitor } = await memberWithCode('reset');
      expect((await visitor.get('/demo/password-changed')).headers.location).toBe('/demo');
      await visitor.get('/demo/reset');
      await visitor.post('/demo/reset', { password: 'light until midnight' });
      for (let again = 0; again < 2; again++)
        expect((await visitor.get('/demo/password-changed')).body).toContain('Your password is changed');
      expect((await visitor.get('/demo/reset')).headers.location).toBe('/demo/password-changed');
      await visitor.get(`/demo/reset?code=${CODE}`);
      expect((await visitor.get('/demo/reset')).body).toContain('Choose a new password');
    });

    it('is spoken of as of somebody signed in to somebody signed in', async () => {
      const visitor = stage.browser();
      expect((await visitor.get('/demo/forgot')).body).toContain('It happens.');
      await signUp(visitor, 'ann@example.com');
      const link = { subject: lastCall().body['subject'], recipient: 'ann@example.com', status: 'active' };
      await logIn(visitor, 'ann@example.com');
      stage.answer = () => ({ status: 200, body: { link } });
      await visitor.get(`/demo/reset?code=${CODE}`);
      const pages = [
        await visitor.get('/demo/forgot'),
        await visitor.post('/demo/forgot', { email: 'none' }),
        await visitor.get('/demo/reset'),
        await visitor.post('/demo/reset', { password: 'short' }),
      ];
      for (const { body } of pages) {
        expect(body).toContain('<a href="/demo/account">Ann</a>');
        expect(body).not.toMatch(/Forgot|It happens|Sign up/);
      }
    });

    it('says the same fingerprint at mint and at redemption, and another one after the change', async () => {
      await stage.browser().post('/demo/sign-up', { name: 'Ann', email: 'ann@example.com', password: PASSWORD });
      const fingerprintNow = async (): Promise<string> => {
        stage.answer = () => ({ status: 201, body: {} });
        await stage.browser().post('/demo/forgot', { email: 'ann@example.com' });
        return lastCall().body['fingerprint'];
      };
      const { subject } = lastCall().body;
      const before = await fingerprintNow();
      const visitor = stage.browser();
      stage.answer = () => ({
        status: 200,
        body: { link: { subject, recipient: 'ann@example.com', status: 'active' } },
      });
      await visitor.get(`/demo/reset?code=${CODE}`);
      await visitor.get('/demo/reset');
      await visitor.post('/demo/reset', { email: 'ann@example.com', password: 'light until midnight' });
      expect(lastCall().body).toEqual({ code: CODE, purpose: 'password-reset', fingerprint: before });
      expect(await fingerprintNow()).not.toBe(before);
    });

    it('asks again under the same Idempotency-Key when the answer was lost, and finishes', async () => {
      const { visitor, link } = await memberWithCode('reset');
      await visitor.get('/demo/reset');
      stage.answer = () => problem(503, 'unavailable', { 'retry-after': '1' });
      const lost = await visitor.post('/demo/reset', { password: 'light until midnight' });
      expect([lost.statusCode, lost.headers['retry-after']]).toEqual([503, '1']);
      expect(lost.body).toContain('href="/demo/reset"');
      const attempt = lastCall().headers['idempotency-key'];
      stage.answer = () => ({ status: 200, body: { link } });
      expect((await visitor.post('/demo/reset', { password: 'light until midnight' })).statusCode).toBe(303);
      expect(lastCall().headers['idempotency-key']).toBe(attempt);

      const other = stage.browser();
      await other.get(`/demo/reset?code=${CODE}`);
      await other.get('/demo/reset');
      await other.post('/demo/reset', { email: 'ann@example.com', password: 'light until midnight' });
      expect(lastCall().headers['idempotency-key']).not.toBe(attempt);
    });

    it('ends every session', async () => {
      const { visitor } = await memberWithCode('reset');
      const elsewhere = stage.browser();
      await logIn(elsewhere, 'ann@example.com');
      expect((await elsewhere.get('/demo/account')).statusCode).toBe(200);
      await visitor.get('/demo/reset');
      await visitor.post('/demo/reset', { password: 'light until midnight' });
      expect((await elsewhere.get('/demo/account')).headers.location).toBe('/demo/log-in');
      expect((await visitor.get('/demo/account')).headers.location).toBe('/demo/log-in');
    });
  });

  describe('logging in', () => {
    it('starts a new session, and ends it', async () => {
      const visitor = stage.browser();
      await signUp(visitor, 'ann@example.com');
      const before = visitor.jar.get('fernweh_session')!.value;
      await logIn(visitor, 'ann@example.com');
      const session = visitor.jar.get('fernweh_session')!.value;
      expect(session).not.toBe(before);
      await visitor.post('/demo/log-out');
      visitor.jar.set('fernweh_session', { value: session, path: '/demo' });
      expect((await visitor.get('/demo/account')).headers.location).toBe('/demo/log-in');
    });

    it('says the same for a wrong password and an unknown address', async () => {
      await signUp(stage.browser(), 'ann@example.com');
      const wrong = await logIn(stage.browser(), 'ann@example.com', 'not the password');
      const unknown = await logIn(stage.browser(), 'bob@example.com', 'not the password');
      expect(unknown.statusCode).toBe(wrong.statusCode);
      expect(unknown.body.replaceAll('bob@', 'ann@')).toBe(wrong.body);
    });

    it('by a link that this browser asked for: redeems it with its secret, and asks nothing', async () => {
      const visitor = stage.browser();
      await visitor.post('/demo/sign-up', { name: 'Ann', email: 'ann@example.com', password: PASSWORD });
      const link = { subject: lastCall().body['subject'], recipient: 'ann@example.com', status: 'redeemed' };
      await visitor.post('/demo/magic-link', { email: 'ann@example.com' });
      const codeVerifier = visitor.jar.get('fernweh_verifier')!.value;
      stage.answer = () => ({ status: 200, body: { link } });
      stage.calls.length = 0;
      await visitor.get(`/demo/signed-in?code=${CODE}`);
      expect((await visitor.get('/demo/signed-in')).headers.location).toBe('/demo/account');
      expect(stage.calls.map(({ path, body }) => [path, body])).toEqual([
        ['/v1/links/redeem', { code: CODE, purpose: 'magic-link', codeVerifier }],
      ]);
      expect(stage.told.map(({ body }) => body['purpose'])).toEqual(['new-sign-in']);
      expect((await visitor.get('/demo/account')).statusCode).toBe(200);
      expect(visitor.jar.has('fernweh_code')).toBe(false);
    });

    it('by a link that another browser asked for: wants the address, which a robot or a lured stranger does not type', async () => {
      const { visitor } = await memberWithCode('signed-in');
      visitor.jar.delete('fernweh_verifier');
      stage.calls.length = 0;
      const question = await visitor.get('/demo/signed-in');
      expect(question.body).not.toMatch(/ann(<wbr \/>)?@example/);
      for (const email of ['', 'test@example.com'])
        expect((await visitor.post('/demo/signed-in', { email })).statusCode).toBe(422);
      expect(new Set(stage.calls.map(({ path }) => path))).toEqual(new Set(['/v1/links/inspect']));
      expect((await visitor.get('/demo/account')).headers.location).toBe('/demo/log-in');
      const answer = await visitor.post('/demo/signed-in', { email: 'Ann@Example.com' });
      expect(answer.headers.location).toBe('/demo/account');
      expect(lastCall()).toMatchObject({ path: '/v1/links/redeem', body: { code: CODE, purpose: 'magic-link' } });
      expect((await visitor.get('/demo/account')).statusCode).toBe(200);
    });

    it('with a secret that does not fit: asks, too', async () => {
      const { visitor, link } = await memberWithCode('signed-in');
      stage.answer = ({ body }) =>
        body['codeVerifier'] ? problem(409, 'binding_mismatch') : { status: 200, body: { link } };
      expect((await visitor.get('/demo/signed-in')).body).toContain('Sign in on this device?');
    });

    it('does not accept a link that went to an address the account has left', async () => {
      const { visitor } = await memberWithCode('signed-in', { recipient: 'old@example.com' });
      expect((await visitor.get('/demo/signed-in')).statusCode).toBe(400);
      expect((await visitor.get('/demo/account')).headers.location).toBe('/demo/log-in');
    });
  });

  describe('what Oncelink refuses', () => {
    const cases: [string, number, string][] = [
      ['link_expired', 410, 'run out'],
      ['link_redeemed', 410, 'been used'],
      ['link_superseded', 410, 'newer mail'],
      ['link_revoked', 410, 'withdrawn'],
      ['fingerprint_mismatch', 409, 'password has changed'],
      ['token_invalid', 400, 'does not work'],
    ];
    it.each(cases)('%s is a page with status %i and a way on', async (code, status, words) => {
      const visitor = stage.browser();
      stage.answer = () => problem(status, code);
      await visitor.get(`/demo/reset?code=${CODE}`);
      const answer = await visitor.get('/demo/reset');
      expect(answer.statusCode).toBe(status);
      expect(answer.body).toContain(words);
      expect(answer.body).toContain('href="/demo/forgot"');
    });

    it('too many requests: leads to the mail that was sent, and says when to come back', async () => {
      stage.answer = () => problem(429, 'rate_limited', { 'retry-after': '27' });
      const answer = await stage.browser().post('/demo/magic-link', { email: 'ann@example.com' });
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '27']);
      expect(answer.body).toContain('<a class="button" href="/dev/inbox">');
      expect(answer.body).toContain('<a href="/demo/magic-link">ask again</a> in 27 seconds');
    });

    it('a limit does not tell a sign-up form who is a member', async () => {
      stage.answer = (): Answer => problem(429, 'rate_limited', { 'retry-after': '27' });
      const free = await signUp(stage.browser(), 'ann@example.com');
      const taken = await signUp(stage.browser(), 'ann@example.com');
      expect([taken.statusCode, taken.headers.location]).toEqual([free.statusCode, free.headers.location]);
      expect(free.statusCode).toBe(303);
    });

    it('no answer at all is 503, never a verdict', async () => {
      await stage.stopApi();
      const answer = await stage.browser().post('/demo/magic-link', { email: 'ann@example.com' });
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    });
  });

  describe('towards strangers', () => {
    const forms = ['/sign-up', '/log-in', '/log-out', '/magic-link', '/signed-in', '/forgot', '/reset', '/account'];
    it.each(forms)('refuses a foreign form to %s', async (form) => {
      const foreign: Record<string, string>[] = [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: 'null' },
        { origin: 'http://evil.example' },
      ];
      for (const headers of foreign) {
        expect((await stage.browser().post(`/demo${form}`, {}, headers)).statusCode).toBe(403);
      }
      expect(stage.calls).toEqual([]);
    });

    it('accepts its own forms from browsers without Fetch Metadata', async () => {
      const answer = await stage
        .browser()
        .post(
          '/demo/magic-link',
          { email: 'a@example.com' },
          { origin: 'http://localhost:3000', host: 'localhost:3000' },
        );
      expect(answer.statusCode).toBe(303);
    });

    it('shows what people type as text', async () => {
      const visitor = stage.browser();
      const answer = await visitor.post('/demo/log-in', { email: '"><script>alert(1)</script>', password: 'x' });
      expect(answer.body).not.toContain('<script');
      await signUp(visitor, 'ann@example.com', `Ann "A" O'Neill & Co`);
      await logIn(visitor, 'ann@example.com');
      expect((await visitor.get('/demo/account')).body).toContain('Ann &quot;A&quot; O&#39;Neill &amp; Co');
    });

    it('sends every page uncached, without referrer, script or frame', async () => {
      for (const path of ['/demo', '/demo/log-in', '/demo/reset', '/demo/nothing-here']) {
        const { headers } = await stage.browser().get(path);
        expect(headers).toMatchObject({
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
        });
        expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      }
    });
  });
});
