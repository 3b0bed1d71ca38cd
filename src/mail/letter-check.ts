import { READABLE, contrast } from './colours.js';
import { addressesIn, visibleRuns } from './markup.js';

/** Gmail cuts off what is longer, and the link may be behind the cut. In bytes. */
const MAX_SIZE = 102_000;
const HOST = /(?:https?:\/\/)?((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})/gi;
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s<>"'⁩]+|\bwww\.[^\s<>"']+/gi;

export interface LetterFault {
  readonly part: 'html' | 'text';
  readonly detail: string;
}

/** What a letter is held to: its one link, the address for "this was not me", the words of which one tells how long. */
export interface LinkAbout {
  readonly url: string;
  readonly report: string;
  readonly expiry: readonly string[];
}

/**
 * Checks a letter as it would be sent.
 * @param about null for a letter without a link
 */
export function letterFaults(letter: { text: string; html: string }, about: LinkAbout | null): LetterFault[] {
  return [...textFaults(letter.text, about), ...htmlFaults(letter.html, about)];
}

function* textFaults(text: string, about: LinkAbout | null): Iterable<LetterFault> {
  const fault = (detail: string): LetterFault => ({ part: 'text', detail });
  const urls = text.match(URL_IN_TEXT) ?? [];
  if (urls.some((url) => url !== about?.url && url !== about?.report)) yield fault(OTHER_ADDRESS);
  if (!about) return;
  const count = text.split(about.url).length - 1;
  if (count === 0) yield fault('does not contain the link: write {{url}} on a line of its own');
  if (count > 1) yield fault('contains the link more than once');
  if (!about.expiry.some((words) => text.includes(words))) yield fault(NO_EXPIRY);
}

function* htmlFaults(html: string, about: LinkAbout | null): Iterable<LetterFault> {
  const fault = (detail: string): LetterFault => ({ part: 'html', detail });
  const runs = visibleRuns(html);
  const seen = runs.map(({ text }) => text).join(' ');
  const addresses = addressesIn(html).filter((address) => !address.startsWith('cid:'));
  if (addresses.some((address) => address !== about?.url && address !== about?.report) || /url\(|@import/i.test(html))
    yield fault(OTHER_ADDRESS);
  if (about && !addresses.includes(about.url)) yield fault('does not contain the link: use {{url}} as an href');
  if (about && !about.expiry.some((words) => seen.includes(words))) yield fault(NO_EXPIRY);
  if (Buffer.byteLength(html) > MAX_SIZE)
    yield fault(`is longer than ${MAX_SIZE / 1000} kB, and mail programs would cut it off; shorten it`);
  for (const { text, href } of runs) {
    const hosts = href === null ? [] : [...text.matchAll(HOST)].map(([, host]) => host!.toLowerCase());
    if (hosts.some((host) => host !== hostOf(href!)))
      yield fault(
        'has a link whose text names another host than the one it leads to; people are taught to distrust that',
      );
  }
  const unreadable = runs.find(({ colour, ground }) => colour && ground && contrast(colour, ground) < READABLE);
  if (unreadable) {
    const { text, colour, ground } = unreadable;
    const ratio = contrast(colour!, ground!).toFixed(1);
    yield fault(
      `has text that is hard to read: "${text.slice(0, 30)}" is ${colour} on ${ground}, ${ratio} : 1; WCAG 2.2 asks for ${READABLE} : 1`,
    );
  }
}

const OTHER_ADDRESS = 'leads elsewhere: {{url}} is the only address that may stand in a mail';
const NO_EXPIRY = 'does not say how long the link works: use {{words.expiry}}, {{lifetime}} or {{expiresAt}}';

function hostOf(href: string): string | undefined {
  return URL.canParse(href) ? new URL(href).hostname : undefined;
}
