import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.js';
import { Person } from './person.js';
import { Service, until } from './service.js';

const PASSWORD = 'fog on the lake';

describe('The demo app, with a real browser against the real service', () => {
  let service: Service;
  let browser: Browser;
  const people: Person[] = [];

  beforeAll(async () => {
    [service, browser] = await Promise.all([Service.start(), launchBrowser()]);
  }, 60_000);

  afterEach(async () => {
    await Promise.all(people.splice(0).map(({ context }) => context.close()));
  });

  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  const somebody = async (): Promise<Person> => {
    const person = await Person.with(browser, service);
    people.push(person);
    return person;
  };

  /** Somebody with an account and no session. */
  const member = async (email: string): Promise<Person> => {
    const person = await somebody();
    await person.signUp('Ann', email, PASSWORD);
    return person;
  };

  describe('sign up and confirm the address', () => {
    it('goes from the form over the mail to a verified account', async () => {
      const ann = await somebody();
      await ann.signUp('Ann', 'ann@example.com', PASSWORD);
      expect(ann.path()).toBe('/demo/check-inbox');
      expect(await ann.text()).toContain('ann@example.com');

      await ann.logIn('ann@example.com', PASSWORD);
      expect(await ann.text()).toContain('not verified');

      await ann.openMail('ann@example.com');
      expect(await ann.confirm()).toBe(200);
      expect(await ann.heading()).toBe('Your address is confirmed');
      expect(ann.path()).toBe('/demo/verified'); // the code has left the address bar

      await ann.press('Open your notebook');
      expect(await ann.text()).toMatch(/ann@example\.com verified/);
    });

    it('works in another browser than the one that signed up', async () => {
      const ben = await member('ben@example.com');
      const phone = await somebody();
      await phone.openMail('ben@example.com');
      await phone.confirm();
      expect(await phone.heading()).toBe('Your address is confirmed');
      await ben.logIn('ben@example.com', PASSWORD);
      expect(await ben.text()).toMatch(/ben@example\.com verified/);
    });

    it('ties what is wrong with a password to its input, and keeps the rest of the form', async () => {
      const cleo = await somebody();
      await cleo.signUp('Cleo', 'cleo@example.com', 'short');
      const input = cleo.page.getByLabel('Password');
      expect(await input.getAttribute('aria-invalid')).toBe('true');
      const described = (await input.getAttribute('aria-describedby'))!.split(' ');
      expect(await cleo.page.locator(`#${described.at(-1)}`).innerText()).toContain('at least 10 characters');
      expect(await cleo.page.getByLabel('Email address').inputValue()).toBe('cleo@example.com');
      expect(await service.mails('cleo@example.com')).toEqual([]);
    });

    it('answers a taken address like a free one, and mails its owner a way in', async () => {
      const dan = await member('dan@example.com');
      await service.mail('dan@example.com');
      const free = await dan.text();
      await dan.signUp('Mallory', 'dan@example.com', 'another password');
      expect(await dan.text()).toBe(free);
      await dan.openMail('dan@example.com', 2);
      await dan.confirm();
      expect(await dan.heading()).toBe('Hello, Ann');
    });

    it('sends the mail again, and says when it may do so', async () => {
      const eve = await member('eve@example.com');
      await eve.logIn('eve@example.com', PASSWORD);
      expect(await eve.press('Send it again')).toBe(429);
      expect(await eve.text()).toMatch(/ask again in \d+ seconds/);
    });
  });

  describe('log in with a link', () => {
    it('logs the browser in that asked', async () => {
      const fay = await member('fay@example.com');
      await fay.askFor('/demo/magic-link', 'fay@example.com');
      await fay.openMail('fay@example.com', 2);
      expect(await fay.confirm()).toBe(200);
      expect(fay.path()).toBe('/demo/account');
      expect(await fay.heading()).toBe('Hello, Ann');
    });

    it('asks in another browser for the address, and uses the link up only with it', async () => {
      const gil = await member('gil@example.com');
      await gil.askFor('/demo/magic-link', 'gil@example.com');
      const phone = await somebody();
      await phone.openMail('gil@example.com', 2);
      await phone.confirm();
      expect(phone.path()).toBe('/demo/signed-in');
      expect(await phone.heading()).toBe('Sign in on this device?');
      await phone.fill({ 'Email address': 'somebody.else@example.com' });
      expect(await phone.press('Sign in here')).toBe(422);
      await phone.visit('/demo/account');
      expect(phone.path()).toBe('/demo/log-in'); // nobody is signed in yet

      await gil.openMail('gil@example.com', 2); // and the link is still good in the first browser
      await gil.confirm();
      expect(gil.path()).toBe('/demo/account');

      await phone.visit('/demo/signed-in');
      expect(await phone.heading()).toBe('This link has been used');
    });

    it('logs the other browser in for the right address', async () => {
      const hal = await member('hal@example.com');
      await hal.askFor('/demo/magic-link', 'hal@example.com');
      const phone = await somebody();
      await phone.openMail('hal@example.com', 2);
      await phone.confirm();
      await phone.fill({ 'Email address': 'hal@example.com' });
      await phone.press('Sign in here');
      expect(phone.path()).toBe('/demo/account');
      expect(await phone.text()).toContain('hal@example.com');
    });

    it('is not disturbed by the secret of another request', async () => {
      const ida = await member('ida@example.com');
      await ida.askFor('/demo/magic-link', 'ida@example.com');
      const tablet = await somebody();
      await tablet.askFor('/demo/magic-link', 'nobody-at-all@example.com'); // leaves a secret of its own
      await tablet.openMail('ida@example.com', 2);
      await tablet.confirm();
      expect(await tablet.heading()).toBe('Sign in on this device?');
      await tablet.fill({ 'Email address': 'ida@example.com' });
      await tablet.press('Sign in here');
      expect(tablet.path()).toBe('/demo/account');
    });

    it('answers unknown addresses like known ones, down to the limit, and mails nothing', async () => {
      const known = await member('jan@example.com');
      const unknown = await somebody();
      const answers = async (person: Person, email: string): Promise<unknown[]> => {
        const first = [await person.askFor('/demo/magic-link', email), person.path(), await person.text()];
        const again = [await person.askFor('/demo/magic-link', email), person.path(), await person.text()];
        return [...first, ...again].map((part) =>
          String(part)
            .replaceAll(email, '…')
            .replace(/\d+ seconds/, 'n seconds'),
        );
      };
      const said = await answers(known, 'jan@example.com');
      expect(said[3]).toBe('429');
      expect(await answers(unknown, 'joy@example.com')).toEqual(said);
      await service.mail('jan@example.com', 2);
      expect(await service.mails('joy@example.com')).toEqual([]);
    });
  });

  describe('forgot the password', () => {
    it('changes it, ends every other session, and logs nobody in', async () => {
      const kim = await member('kim@example.com');
      await kim.logIn('kim@example.com', PASSWORD);
      const cafe = await somebody();
      await cafe.logIn('kim@example.com', PASSWORD);
      expect(await cafe.heading()).toBe('Hello, Ann');

      await kim.askFor('/demo/forgot', 'kim@example.com');
      await kim.openMail('kim@example.com', 2);
      expect(await kim.confirm()).toBe(200);
      expect(kim.path()).toBe('/demo/reset');
      expect(await kim.page.getByLabel('For the notebook of').inputValue()).toBe('kim@example.com');

      // A password that is not accepted costs nothing: the form stays, and so does the link.
      for (const refused of ['short', 'password1', 'nine sign', '123', 'kim']) {
        await kim.fill({ 'New password': refused });
        expect(await kim.press('Change the password')).toBe(422);
      }
      expect(await kim.page.getByLabel('New password').getAttribute('aria-invalid')).toBe('true');
      await kim.fill({ 'New password': 'light until midnight' });
      expect(await kim.press('Change the password')).toBe(200);
      expect(await kim.heading()).toBe('Your password is changed');

      for (const person of [kim, cafe]) {
        await person.visit('/demo/account');
        expect(person.path()).toBe('/demo/log-in');
      }
      await cafe.logIn('kim@example.com', PASSWORD);
      expect(await cafe.text()).toContain('do not go together');
      await kim.logIn('kim@example.com', 'light until midnight');
      expect(await kim.heading()).toBe('Hello, Ann');
    });

    it('shows a used link as used, with a way on', async () => {
      const lea = await member('lea@example.com');
      await lea.askFor('/demo/forgot', 'lea@example.com');
      const mail = await service.mail('lea@example.com', 2);
      await lea.openMail('lea@example.com', 2);
      await lea.confirm();
      const thief = await somebody(); // has the same code in time, and comes second
      await thief.openMail('lea@example.com', 2);
      await thief.confirm();
      await lea.fill({ 'New password': 'a red cabin by the sea' });
      await lea.press('Change the password');
      expect(await lea.heading()).toBe('Your password is changed');

      await thief.fill({ 'Your email address': 'lea@example.com', 'New password': 'the wrong hands' });
      expect(await thief.press('Change the password')).toBe(410);
      expect(await thief.text()).toContain('Ask for a new link');
      await lea.logIn('lea@example.com', 'a red cabin by the sea');
      expect(lea.path()).toBe('/demo/account');

      expect(await thief.visit(mail.links.find((link) => link.includes('/l/'))!)).toBe(410);
    });

    it('answers unknown addresses like known ones, and mails nothing', async () => {
      const nia = await member('nia@example.com');
      const said = async (person: Person, email: string): Promise<unknown[]> => [
        await person.askFor('/demo/forgot', email),
        person.path(),
        (await person.text()).replaceAll(email, '…'),
      ];
      const stranger = await somebody();
      expect(await said(stranger, 'noa@example.com')).toEqual(await said(nia, 'nia@example.com'));
      await service.mail('nia@example.com', 2);
      expect(await service.mails('noa@example.com')).toEqual([]);
    });
  });

  describe('links in the wild', () => {
    const link = (more: object = {}): Promise<{ id: string; url: string }> =>
      service.mint({ purpose: 'magic-link', recipient: 'wild@example.com', subject: 'wild-1', ...more });
    const statusOf = async (id: string): Promise<unknown> => (await service.api(`/v1/links/${id}`)).body['status'];

    it('tells that a link has expired', async () => {
      const { id, url } = await link({ expiresIn: 1, subject: 'wild-2' });
      await until('the link to expire', async () => (await statusOf(id)) === 'expired');
      const person = await somebody();
      expect(await person.visit(url)).toBe(410);
      expect(await person.page.title()).not.toBe('');
      expect(await person.page.getByRole('button').count()).toBe(0);
    });

    it('survives a browser that opens it, runs scripts and stays', async () => {
      const { id, url } = await link({ subject: 'wild-3' });
      const robot = await somebody();
      expect(await robot.visit(url)).toBe(200);
      await robot.page.waitForLoadState('networkidle');
      await robot.page.waitForFunction(() => performance.now() > 3000);
      await robot.page.reload();
      expect(await statusOf(id)).toBe('active');
    });

    it('survives a scanner with a cookie jar that follows redirects, and can be redeemed after it', async () => {
      const { id, url, token } = await service.mint({
        purpose: 'magic-link',
        recipient: 'wild@example.com',
        subject: 'wild-4',
      });
      const scanner = (await somebody()).context.request;
      for (const visit of [
        () => scanner.get(url),
        () => scanner.head(url),
        () => scanner.fetch(url, { method: 'OPTIONS' }),
        () => scanner.get(url),
      ]) {
        expect((await visit()).status()).toBeLessThan(500);
      }
      const found = await scanner.get(`${url}?utm_source=mail&fbclid=x`);
      expect(found.status()).toBe(200);
      expect(await found.text()).toContain('<button');
      expect(await statusOf(id)).toBe('active');
      const { status, body } = await service.api('/v1/links/redeem', { token, purpose: 'magic-link' });
      expect([status, body['link'].status]).toEqual([200, 'redeemed']);
    });

    it('shows a mailed link as used after the app redeemed it', async () => {
      const { url, token } = await service.mint({
        purpose: 'magic-link',
        recipient: 'wild@example.com',
        subject: 'wild-5',
      });
      expect((await service.api('/v1/links/redeem', { token, purpose: 'magic-link' })).status).toBe(200);
      const person = await somebody();
      expect(await person.visit(url)).toBe(410);
    });
  });

  it('refuses forms of other sites', async () => {
    const oda = await member('oda@example.com');
    await oda.logIn('oda@example.com', PASSWORD);
    const foreign = await oda.context.request.post('/demo/log-out', { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(foreign.status()).toBe(403);
    await oda.visit('/demo/account');
    expect(await oda.heading()).toBe('Hello, Ann');
    await oda.page.getByRole('button', { name: 'Log out' }).click();
    await oda.page.waitForURL('**/demo');
    await oda.visit('/demo/account');
    expect(oda.path()).toBe('/demo/log-in');
  });

  it('leaves no fault, no token and no address in the log', () => {
    expect(service.output).toContain('"msg":"ready"');
    expect(service.output.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
    expect(service.output).not.toMatch(/eyJ[\w-]{10}|\w@example\.com/);
  });
});
