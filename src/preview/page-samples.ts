import type { FastifyReply } from 'fastify';
import { MESSAGES } from '../http/page-words.js';
import type { PageLink, Pages } from '../http/pages.js';
import type { Purpose } from '../links/purpose.js';
import { CodeExhausted, CodeIncorrect } from '../links/errors.js';

/** A page as people would see it. */
export interface PageSample {
  readonly name: string;
  readonly title: string;
  /** its markup */
  readonly render: () => Promise<string>;
}

const OWN = { action: '/links/sample', nonce: 'sample' };
const BUTTON = { ...OWN, target: null, usesUp: true };

type Send = (pages: Pages, to: FastifyReply, link: PageLink, form: typeof BUTTON & Demands) => Promise<void>;
type Demands = ReturnType<typeof demandsOf>;
const tell =
  (name: (typeof MESSAGES)[number]): Send =>
  (pages, to, link) =>
    pages.sendMessage({ headers: {} }, to, 200, name, link);

const always = (): boolean => true;
const typesCode = ({ oneTimeCode }: Purpose): boolean => oneTimeCode === 'screen';
const usesUp = ({ redeemOn }: Purpose): boolean => redeemOn === 'page';
const asks = ({ pauseAfterReport }: Purpose): boolean => pauseAfterReport > 0;

/** What the page of a link can come to, and for which purposes. */
const STATES: readonly (readonly [name: string, title: string, of: (purpose: Purpose) => boolean, send: Send])[] = [
  ['confirm', 'The button', always, (pages, to, link, form) => pages.sendConfirm(to, link, form)],
  [
    'code-incorrect',
    'A wrong code',
    typesCode,
    (pages, to, link, form) => pages.sendConfirm(to, link, form, new CodeIncorrect(), '7K2M-9QXI'),
  ],
  [
    'code-exhausted',
    'Too many wrong ones',
    typesCode,
    (pages, to, link, form) => pages.sendConfirm(to, link, { ...form, code: false }, new CodeExhausted()),
  ],
  ['done', 'Used up by the button', usesUp, (pages, to, link) => pages.sendDone(to, link)],
  ['redeemed', 'Used before', always, tell('link_redeemed')],
  ['expired', 'Run out', always, (pages, to, link) => pages.sendRenewalOffer(to, link, 'link_expired', OWN)],
  [
    'superseded',
    'A newer one exists',
    always,
    (pages, to, link) => pages.sendRenewalOffer(to, link, 'link_superseded', OWN),
  ],
  ['renewed', 'A new one was asked for', always, tell('renewed')],
  ['expired-for-good', 'Run out, renew: false', always, tell('link_expired')],
  ['superseded-for-good', 'A newer one exists, renew: false', always, tell('link_superseded')],
  ['revoked', 'Withdrawn', always, tell('link_revoked')],
  ['report', 'This wasn’t me', asks, (pages, to, link) => pages.sendReport(to, link, OWN)],
  [
    'report-wrong',
    'With a wrong address',
    asks,
    (pages, to, link) => pages.sendReport(to, link, OWN, 'ann@exmaple.com'),
  ],
  ['reported', 'And with the right one', asks, tell('reported')],
];

/** Every page that the links of a purpose can come to. */
export function pageSamples(pages: Pages, link: PageLink, purpose: Purpose): PageSample[] {
  const form = { ...BUTTON, ...demandsOf(purpose) };
  return STATES.filter(([, , of]) => of(purpose)).map(([name, title, , send]) => ({
    name,
    title,
    render: () => kept((to) => send(pages, to, link, form)),
  }));
}

const demandsOf = (purpose: Purpose): { sameBrowser: boolean; code: boolean } => ({
  sameBrowser: purpose.binding === 'required',
  code: typesCode(purpose),
});

/** What people are told whose link is not known, in the language of their browser. */
export function generalSamples(pages: Pages, locale: string): PageSample[] {
  const request = { headers: { 'accept-language': locale } };
  return MESSAGES.filter((name) => !/^(link_|renewed$|report)/.test(name)).map((name) => ({
    name,
    title: name,
    render: () => kept((to) => pages.sendMessage(request, to, 200, name)),
  }));
}

/** Has a page made by the very functions that answer people, and keeps what they would send. */
async function kept(send: (to: FastifyReply) => Promise<void>): Promise<string> {
  let page = '';
  const reply = {
    status: () => reply,
    type: () => reply,
    headers: () => reply,
    send: (html: string | Buffer) => (page = html.toString()),
  };
  await send(reply as never);
  return page;
}
