import type { Answer, TestService } from './service.js';

/** The headers a browser sends with the form of the page it shows. */
export const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin', origin: 'null' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** A person's browser, as far as a server sees it: follows the mailed link, keeps the cookie, presses the button. */
export class Visitor {
  cookie: string | undefined;
  setCookie: string | null = null;

  constructor(private readonly service: TestService) {}

  get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    return this.service.request(method, path, { headers: { ...this.cookieHeader(), ...headers } });
  }

  /** Opens a mailed link. @returns the answer; a redirect is not followed, its cookie is kept */
  async open(url: string): Promise<Answer> {
    const answer = await this.get(this.pathOf(url));
    this.setCookie = answer.headers.get('set-cookie');
    this.cookie = this.setCookie?.split(';')[0] ?? this.cookie;
    return answer;
  }

  /** Presses the button of a link's page. */
  press(id: string, headers: Record<string, string> = SAME_ORIGIN, form: Record<string, string> = {}): Promise<Answer> {
    return this.service.request('POST', `/links/${id}`, {
      body: new URLSearchParams(form).toString(),
      headers: { ...FORM, ...this.cookieHeader(), ...headers },
    });
  }

  /** Opens a link, looks at its page and presses the button. @returns the answer to the button */
  async confirm({ id, url }: { id: string; url: string }): Promise<Answer> {
    await this.open(url);
    await this.get(`/links/${id}`);
    return this.press(id);
  }

  private pathOf(url: string): string {
    return url.replace(this.service.settings.publicUrl, '');
  }

  private cookieHeader(): Record<string, string> {
    return this.cookie === undefined ? {} : { cookie: this.cookie };
  }
}

/** The code that an answer's redirect carries to the app. */
export function codeIn(answer: Answer): string {
  return new URL(answer.headers.get('location')!).searchParams.get('code')!;
}

/** The hidden field that ties the form to the page it was shown in. */
export function nonceIn(page: Answer): string {
  return /name="nonce" value="([^"]+)"/.exec(page.text)![1]!;
}
