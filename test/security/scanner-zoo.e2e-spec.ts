import type { Browser } from 'playwright-core';
import { LINK_STORE, type LinkStore } from '../../src/links/link-store.js';
import { Person } from '../demo/person.js';
import { until, type Mail } from '../demo/service.js';
import { launchBrowser } from '../support/browser.js';
import { HandSetClock, startService, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';
import { browserRobots, plainRobots, type Robot } from './robots.js';

const PASSWORD = 'fog on the lake';
/** In ms; with `SCANNER_ZOO=full` one robot stays a real minute on every link. */
const PATIENCE = 600_000;

/**
 * Everything that opens mails before people do is let loose on every link of a mail, and on the pages of the demo behind
 * it, one after the other. Then the person comes: and each flow works, once.
 */
describe('after the whole zoo of scanners', () => {
  const templates = new TemplatesCopy();
  const clock = new HandSetClock();
  let service: TestService;
  let browser: Browser;
  let robots: Robot[];
  beforeAll(async () => {
    // What the README says for addresses that matter.
    templates.edit('purposes/email-verification/purpose.yaml', 'binding: optional', 'binding: required');
    templates.edit('purposes/email-verification/purpose.yaml', 'oneTimeCode: none', 'oneTimeCode: screen');
    const start = startService({ clock, env: { TEMPLATES_DIR: templates.directory } });
    [service, browser] = await Promise.all([start, launchBrowser()]);
    robots = [...plainRobots(), ...browserRobots(browser)];
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await service.stop();
    templates.discard();
  });

  /** What the demo's person asks of a service. */
  const mailbox = {
    get url(): string {
      return service.url;
    },
    mail: (to: string, count: number): Promise<Mail> =>
      until(`mail ${count} to ${to}`, async () => {
        const { body } = await service.request('GET', `/dev/inbox/mails?to=${encodeURIComponent(to)}`);
        // Notices of what has happened arrive between them and hold no link.
        const mails = (body.items as Mail[]).filter(({ links }) => links.length > 0);
        return mails.length >= count && mails[0];
      }),
  };
  const somebody = (): Promise<Person> => Person.with(browser, mailbox as never);

  /** Sends every robot to every address in a mail; after each, the newest link must be as good as before. */
  async function infest(mail: Mail, newest = mail): Promise<void> {
    const kinds = mail.links.map((link) => new URL(link).pathname.split('/')[1]);
    expect(kinds).toEqual(expect.arrayContaining(['l', 'r']));
    const [, payload] = linkIn(newest).split('.');
    const { jti } = JSON.parse(Buffer.from(payload!, 'base64url').toString());
    for (const robot of robots) {
      for (const link of new Set(mail.links)) await robot.visit(link);
      const stored = await service.app.get<LinkStore>(LINK_STORE).find('demo', jti);
      expect([robot.name, stored?.redeemedAt, stored?.revokedAt, stored?.superseded]).toEqual([
        robot.name,
        null,
        null,
        false,
      ]);
    }
  }
  const linkIn = ({ links }: Mail): string => links.find((link) => link.includes('/l/'))!;

  it(
    'an address is still not confirmed under the stricter setting, and then it is, by the browser that signed up',
    async () => {
      const ann = await somebody();
      await ann.signUp('Ann', 'ann@example.com', PASSWORD);
      await infest(await mailbox.mail('ann@example.com', 1));
      await ann.logIn('ann@example.com', PASSWORD);
      expect(await ann.text()).toContain('not verified');

      // Nor by the owner of a mailbox whose address a stranger has signed up with, if they only press the button.
      const victim = await somebody();
      await victim.openMail('ann@example.com');
      expect(await victim.confirm()).toBe(409);
      expect(await victim.text()).toContain('Nothing is used up');

      await ann.openMail('ann@example.com');
      await ann.confirm();
      expect(await ann.heading()).toBe('Your address is confirmed');
      await Promise.all([ann, victim].map(({ context }) => context.close()));
    },
    PATIENCE,
  );

  it(
    'a sign-in link signs in the person, once, and no robot',
    async () => {
      const ben = await somebody();
      await ben.signUp('Ben', 'ben@example.com', PASSWORD);
      await ben.askFor('/demo/magic-link', 'ben@example.com');
      await infest(await mailbox.mail('ben@example.com', 2));
      await ben.openMail('ben@example.com', 2);
      await ben.confirm();
      expect(await ben.heading()).toBe('Hello, Ben');
      expect(await ben.visit(linkIn(await mailbox.mail('ben@example.com', 2)))).toBe(410);
      await ben.context.close();
    },
    PATIENCE,
  );

  it(
    'whoever presses "send me a new one" on an old mail leaves the newest link good',
    async () => {
      const dee = await somebody();
      await dee.signUp('Dee', 'dee@example.com', PASSWORD);
      await dee.askFor('/demo/magic-link', 'dee@example.com');
      const old = await mailbox.mail('dee@example.com', 2);
      clock.advance(31); // the cool-down
      await dee.askFor('/demo/magic-link', 'dee@example.com');
      const newest = await mailbox.mail('dee@example.com', 3);
      expect(await dee.visit(linkIn(old))).toBe(410);
      await infest(old, newest);
      await dee.visit(linkIn(newest));
      await dee.confirm();
      expect(await dee.heading()).toBe('Hello, Dee');
      await dee.context.close();
    },
    PATIENCE,
  );

  it(
    'a reset link changes the password, once, for the person, who reads the mail on a phone',
    async () => {
      const cem = await somebody();
      await cem.signUp('Cem', 'cem@example.com', PASSWORD);
      await cem.askFor('/demo/forgot', 'cem@example.com');
      await infest(await mailbox.mail('cem@example.com', 2));
      await cem.logIn('cem@example.com', PASSWORD);
      expect(await cem.heading()).toBe('Hello, Cem');

      const phone = await somebody();
      await phone.openMail('cem@example.com', 2);
      await phone.confirm();
      await phone.fill({ 'Your email address': 'cem@example.com', 'New password': 'light until midnight' });
      expect(await phone.press('Change the password')).toBe(200);
      await phone.logIn('cem@example.com', 'light until midnight');
      expect(await phone.heading()).toBe('Hello, Cem');
      await Promise.all([cem, phone].map(({ context }) => context.close()));
    },
    PATIENCE,
  );
});
