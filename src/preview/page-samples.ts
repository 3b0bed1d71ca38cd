import type { FastifyReply } from 'fastify';
import { MESSAGES } from '../http/page-words.js';
import type { PageLink, Pages } from '../http/pages.js';
import { CodeExhausted, CodeIncorrect } from '../links/errors.js';

/** A page as people would see it. */
export interface PageSample {
  readonly name: string;
  readonly title: string;
  /** its markup */
  readonly render: () => Promise<string>;
}

const OWN = { action: '/links/sample', nonce: 'sample' };
const FORM = { ...OWN, target: null, usesUp: true, sameBrowser: false, code: false };
const BOUND = { ...FORM, sameBrowser: true };
const CODE = { ...BOUND, code: true };

type Send = (pages: Pages, to: FastifyReply, link: PageLink) => Promise<void>;
const tell =
  (name: (typeof MESSAGES)[number]): Send =>
  (pages, to, link) =>
    pages.sendMessage({ headers: {} }, to, 200, name, link);

/** What the page of a link can come to. */
const STATES: readonly (readonly [name: string, title: string, send: Send])[] = [
  ['confirm', 'The button', (pages, to, link) => pages.sendConfirm(to, link, FORM)],
  ['other-browser', 'binding: required', (pages, to, link) => pages.sendConfirm(to, link, BOUND)],
  ['one-time-code', 'oneTimeCode: screen', (pages, to, link) => pages.sendConfirm(to, link, CODE)],
  [
    'code-incorrect',
    'A wrong code',
    (pages, to, link) => pages.sendConfirm(to, link, CODE, new CodeIncorrect(), '7K2M-9QXI'),
  ],
  [
    'code-exhausted',
    'Too many wrong ones',
    (pages, to, link) => pages.sendConfirm(to, link, BOUND, new CodeExhausted()),
  ],
  ['done', 'Used up by the button', (pages, to, link) => pages.sendDone(to, link)],
  ['redeemed', 'Used before', tell('link_redeemed')],
  ['expired', 'Run out', (pages, to, link) => pages.sendRenewalOffer(to, link, 'link_expired', OWN)],
  ['superseded', 'A newer one exists', (pages, to, link) => pages.sendRenewalOffer(to, link, 'link_superseded', OWN)],
  ['renewed', 'A new one was asked for', tell('renewed')],
  ['expired-for-good', 'Run out, renew: false', tell('link_expired')],
  ['superseded-for-good', 'A newer one exists, renew: false', tell('link_superseded')],
  ['revoked', 'Withdrawn', tell('link_revoked')],
  ['report', 'This wasn’t me', (pages, to, link) => pages.sendReport(to, link, OWN)],
  ['report-wrong', 'With a wrong address', (pages, to, link) => pages.sendReport(to, link, OWN, 'ann@exmaple.com')],
  ['reported', 'And with the right one', tell('reported')],
];

/** Every page of a link. */
export function pageSamples(pages: Pages, link: PageLink): PageSample[] {
  return STATES.map(([name, title, send]) => ({ name, title, render: () => kept((to) => send(pages, to, link)) }));
}

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
