import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import type { Service } from './service.js';

/** Somebody with a browser of their own. */
export class Person {
  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly service: Service,
  ) {}

  static async with(
    browser: Browser,
    service: Service,
    looks: Parameters<Browser['newContext']>[0] = {},
  ): Promise<Person> {
    const context = await browser.newContext({ baseURL: service.url, ...looks });
    return new Person(context, await context.newPage(), service);
  }

  /** Goes to a page. @returns its status */
  async visit(path: string): Promise<number> {
    return (await this.page.goto(path))!.status();
  }

  /** Presses a button or follows a link of the page itself, and waits for where it leads. @returns its status */
  async press(name: string): Promise<number> {
    const main = this.page.getByRole('main');
    return this.follow(main.getByRole('button', { name }).or(main.getByRole('link', { name })));
  }

  async fill(fields: Record<string, string>): Promise<void> {
    for (const [label, value] of Object.entries(fields)) await this.page.getByLabel(label).fill(value);
  }

  async logIn(email: string, password: string): Promise<void> {
    await this.visit('/demo/log-in');
    await this.fill({ 'Email address': email, Password: password });
    await this.press('Log in');
  }

  async signUp(name: string, email: string, password: string): Promise<void> {
    await this.visit('/demo/sign-up');
    await this.fill({ 'Your name': name, 'Email address': email, Password: password });
    await this.press('Sign up');
  }

  async askFor(path: '/demo/magic-link' | '/demo/forgot', email: string): Promise<number> {
    await this.visit(path);
    await this.fill({ 'Email address': email });
    return this.press('Send me a link');
  }

  /** Opens the newest mail in the dev inbox and presses its button there, as in a mail program. */
  async openMail(to: string, count = 1): Promise<void> {
    const mail = await this.service.mail(to, count);
    await this.visit(`/dev/inbox/${mail.id}`);
    await this.page.frameLocator('iframe').locator('a[href*="/l/"]').first().click();
    await this.page.waitForURL('**/links/*');
  }

  /** The one button of Oncelink's confirm page. */
  async confirm(): Promise<number> {
    return this.follow(this.page.getByRole('main').getByRole('button'));
  }

  private async follow(target: Locator): Promise<number> {
    const [response] = await Promise.all([
      this.page.waitForResponse((answer) => answer.request().isNavigationRequest() && !isRedirect(answer.status())),
      this.page.waitForEvent('domcontentloaded'),
      target.first().click(),
    ]);
    return response.status();
  }

  heading(): Promise<string> {
    return this.page.getByRole('heading', { level: 1 }).innerText();
  }

  /** What the page says, white space aside. */
  async text(): Promise<string> {
    return (await this.page.getByRole('main').innerText()).replace(/\s+/g, ' ');
  }

  path(): string {
    return this.page.url().slice(this.service.url.length);
  }
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400;
