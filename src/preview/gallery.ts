import type { App } from '../apps/app.js';
import type { Templates } from '../templates.js';
import { mailSamples, type MailSample } from './mail-samples.js';
import { indexPage, phonePage, sheetPage, widePage, type Frame } from './markup.js';
import { generalSamples, pageSamples, type PageSample } from './page-samples.js';

/** A file to look at: in a folder, or below `/dev/templates`. */
export interface Exhibit {
  readonly path: string;
  /** `frame`: a page of the gallery's own; `template`: what people get; `text`: a mail's text part */
  readonly kind: 'frame' | 'template' | 'text';
  readonly read: () => string | Promise<string>;
}

/** Where those pages stand that belong to no app: no app can be called so. */
const GENERAL = '-';

/**
 * Every mail and every page, in every language and for every app, and the pages that lead to them by relative links.
 * @param around what the gallery's own pages have around them
 */
export function galleryOf(
  { purposes, letters, pages, faults }: Templates,
  apps: readonly App[],
  around: Frame,
): Exhibit[] {
  const mails = letters ? mailSamples(letters, purposes, apps) : [];
  const general = (pages?.locales() ?? []).map((locale) => ({ locale, path: `${GENERAL}/${locale}` }));
  const isLink = ({ purpose }: MailSample): boolean => purposes.get(purpose)!.kind === 'link';
  const pagesOf = ({ app, purpose, locale }: MailSample): PageSample[] => {
    const policy = purposes.get(purpose);
    if (!pages || policy?.kind !== 'link') return [];
    return pageSamples(pages, { app, purpose, locale, expiresIn: policy.expiresIn.default, redirectUri: null }, policy);
  };
  return [
    frame('index.html', () => indexPage(mails, isLink, general, faults, around)),
    ...mails.flatMap((mail) => [
      template(`${mail.path}.html`, () => mail.html),
      frame(`${mail.path}.wide.html`, () => widePage(mail, around)),
      frame(`${mail.path}.phone.html`, () => phonePage(mail, around)),
      { path: `${mail.path}.txt`, kind: 'text' as const, read: () => `Subject: ${mail.subject}\n\n${mail.text}` },
      ...(isLink(mail) ? sheet(mail, `${mail.purpose}, ${mail.app}, ${mail.locale}`, pagesOf(mail), around) : []),
    ]),
    ...general.flatMap((at) => sheet(at, `Without a link, ${at.locale}`, generalSamples(pages!, at.locale), around)),
  ];
}

/** Pages side by side, and each by itself. */
function sheet({ path }: { path: string }, title: string, samples: readonly PageSample[], around: Frame): Exhibit[] {
  return [
    frame(`${path}.pages.html`, () => sheetPage(title, path, samples, around)),
    ...samples.map(({ name, render }) => template(`${path}/${name}.html`, render)),
  ];
}

const frame = (path: string, read: Exhibit['read']): Exhibit => ({ path, kind: 'frame', read });
const template = (path: string, read: Exhibit['read']): Exhibit => ({ path, kind: 'template', read });
