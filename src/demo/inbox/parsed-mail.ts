import PostalMime, { type Attachment } from 'postal-mime';
import type { StoredMail } from '../../mail/inbox.js';

export interface ParsedMail {
  id: string;
  receivedAt: Date;
  /** the envelope's */
  from: string;
  /** whom people read it is from */
  fromName: string | null;
  to: string;
  purpose: string | null;
  subject: string;
  text: string;
  html: string;
  /** Every distinct address the mail leads to, as a mail program would open it. */
  links: string[];
  source: string;
}

const parsed = new WeakMap<StoredMail, Promise<ParsedMail>>();

/** Reads a mail as a mail program does, from its bytes. Each mail is read once. */
export function parseMail(mail: StoredMail): Promise<ParsedMail> {
  const known = parsed.get(mail) ?? read(mail);
  parsed.set(mail, known);
  return known;
}

async function read(mail: StoredMail): Promise<ParsedMail> {
  const message = await PostalMime.parse(mail.raw);
  const { subject = '(no subject)', text = '', html: markup = '', attachments } = message;
  const html = withPictures(markup, attachments);
  const hrefs = [...html.matchAll(/\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)].map(([, a, b]) => unescape(a ?? b ?? ''));
  const links = [...urlsIn(text), ...hrefs.filter((href) => /^https?:/i.test(href))];
  const { id, receivedAt, from, to } = mail;
  return {
    id,
    receivedAt,
    from,
    fromName: message.from?.name || null,
    to,
    purpose: mail.purpose ?? null,
    subject,
    text,
    html,
    links: [...new Set(links)],
    source: mail.raw.toString('utf8'),
  };
}

/** As a mail program shows it: a picture that came with the mail stands where `cid:` names it (RFC 2392). */
function withPictures(markup: string, attachments: readonly Attachment[]): string {
  return attachments.reduce((html, { contentId, mimeType, content }) => {
    const data = `data:${mimeType};base64,${Buffer.from(content as ArrayBuffer).toString('base64')}`;
    return contentId ? html.replaceAll(`"cid:${contentId.replace(/^<|>$/g, '')}"`, `"${data}"`) : html;
  }, markup);
}

/** The web addresses in plain text, without the full stop or bracket that ends the sentence around them. */
export function urlsIn(text: string): string[] {
  return (text.match(/\bhttps?:\/\/[^\s<>"']+/gi) ?? []).map((url) => url.replace(/[).,;:!?\]]+$/, ''));
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

function unescape(attribute: string): string {
  return attribute.replace(/&(?:#x[0-9a-f]{1,6}|#\d{1,7}|amp|lt|gt|quot);/gi, (entity) => {
    const named = ENTITIES[entity.toLowerCase()];
    return named ?? String.fromCodePoint(Math.min(Number(entity.slice(2, -1).replace(/^x/i, '0x')), 0x10ffff));
  });
}
