/** What happened at one step of a scan. */
export interface Step {
  readonly what: string;
  readonly answer: string;
}

const MOST_REDIRECTS = 5;
const PATIENCE = 10_000;

/**
 * Does to a mail's link what mail scanners do: asks for it, follows where it leads, with and without cookies, and submits
 * every form it finds on the link's own pages. The app's page is where it stops: what its buttons do, the app decides.
 */
export async function scan(url: string): Promise<Step[]> {
  const steps: Step[] = [];
  const note = (what: string, answer: string): void => void steps.push({ what, answer });
  note('HEAD, as a reputation service asks', (await ask(url, { method: 'HEAD' })).told);
  note('GET, redirects not followed', (await ask(url)).told);
  note('GET, redirects followed, no cookies kept', (await follow(url)).told);

  const cookies = new Map<string, string>();
  const page = await follow(url, cookies);
  note('GET, redirects followed, cookies kept, as a browser in a sandbox does', page.told);
  const forms = isOurs(page.url, url) ? formsIn(page.body) : [];
  if (forms.length === 0) note('Looks for buttons to press', 'there is none on this page');
  for (const { action, fields } of forms) {
    const target = new URL(action, page.url).href;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
    const sent = await ask(target, { method: 'POST', body: new URLSearchParams(fields).toString(), headers }, cookies);
    note(`Presses the button: POST ${new URL(target).pathname}`, sent.told);
    if (sent.location) note('Follows to where the button leads', (await follow(sent.location, cookies)).told);
  }
  return steps;
}

interface Answer {
  readonly url: string;
  readonly told: string;
  readonly body: string;
  readonly location: string | null;
}

async function ask(url: string, init: RequestInit = {}, cookies = new Map<string, string>()): Promise<Answer> {
  try {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      headers: { accept: 'text/html', ...(init.headers as Record<string, string>), ...(cookie && { cookie }) },
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined) cookies.set(name, value!);
    }
    const to = response.headers.get('location');
    const location = to === null ? null : new URL(to, url).href;
    // Where it leads, without what it carries: tokens and codes have no place on a screen.
    const told = location ? `${response.status}, to ${withoutQuery(location)}` : String(response.status);
    return { url, told, body: await response.text(), location };
  } catch (error) {
    return { url, told: `no answer (${(error as Error).name})`, body: '', location: null };
  }
}

async function follow(url: string, cookies?: Map<string, string>): Promise<Answer> {
  let answer = await ask(url, {}, cookies);
  const told = [answer.told];
  for (let hop = 0; answer.location && hop < MOST_REDIRECTS; hop++) {
    answer = await ask(answer.location, {}, cookies);
    told.push(answer.told);
  }
  return { ...answer, told: told.join(' → ') };
}

function formsIn(page: string): { action: string; fields: Record<string, string> }[] {
  return [...page.matchAll(/<form\b([^>]*)>([^]*?)<\/form>/g)].map(([, head, body]) => ({
    action: attribute(head!, 'action'),
    // What people would type, a robot makes up.
    fields: Object.fromEntries(
      [...body!.matchAll(/<input\b([^>]*)>/g)].map(([, input]) => [
        attribute(input!, 'name'),
        attribute(input!, 'value') || (attribute(input!, 'type') === 'email' ? 'test@example.com' : 'test'),
      ]),
    ),
  }));
}

const attribute = (tag: string, name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
const withoutQuery = (url: string): string => url.replace(/[?#].*$/, '');

function isOurs(page: string, mailed: string): boolean {
  const { origin, pathname } = new URL(page);
  return origin === new URL(mailed).origin && /\/links\/[^/]+(?:\/report)?$/.test(pathname);
}
