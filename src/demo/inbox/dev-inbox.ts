import type { FastifyPluginAsync } from 'fastify';
import type { Inbox } from '../../mail/inbox.js';
import { goTo, sendPage } from '../web/pages.js';
import { isSameOrigin } from '../web/same-origin.js';
import { FRAME_CSP, framedMail, listPage, mailPage, messagePage, viewOf } from './pages.js';
import { parseMail } from './parsed-mail.js';
import { scan } from './scanner.js';
import { scanPage } from './scan-page.js';
import { inboxStyle } from './style.js';

export interface DevInboxOptions {
  readonly inbox: Inbox;
  /** moved by the buttons of the list, if there is one */
  readonly clock?: { readonly shift: number };
  /** whether a mailed link can still be redeemed; undefined for what is none of ours */
  readonly isActive?: (url: string) => Promise<boolean | undefined>;
}

/**
 * The mails of development, in the browser instead of on their way. Everything the inbox holds can be read by whoever
 * reaches this page, so it must never be there in production.
 */
export const devInbox: FastifyPluginAsync<DevInboxOptions> = async (app, { inbox, clock, isActive }) => {
  app.addHook('preHandler', async (request, reply) => {
    if (!isSameOrigin(request)) return sendPage(reply, notFromHere, 403);
  });

  const mailsTo = (to?: string, purpose?: string) =>
    Promise.all(
      inbox
        .list()
        .filter((mail) => (to === undefined || mail.to === to) && (purpose === undefined || mail.purpose === purpose))
        .map(parseMail),
    );

  app.get('/', async (request, reply) => {
    const to = wanted(request.query, 'to');
    const ahead = clock?.shift;
    return sendPage(reply, listPage({ mails: await mailsTo(to), to, now: new Date(), ahead }));
  });

  // For tests: what a person would find in the inbox, as JSON.
  app.get('/mails', async (request, reply) => {
    const mails = await mailsTo(wanted(request.query, 'to'), wanted(request.query, 'purpose'));
    return reply.header('cache-control', 'no-store').send({ items: mails.map(({ source: _, ...mail }) => mail) });
  });

  app.post('/clear', async (_request, reply) => {
    inbox.clear();
    return goTo(reply, '/dev/inbox');
  });

  app.get<{ Params: { id: string } }>('/:id', async (request, reply) => {
    const mail = inbox.get(request.params.id);
    if (!mail) return sendPage(reply, gone, 404);
    const { view } = request.query as { view?: unknown };
    const page = mailPage({ mail: await parseMail(mail), view: viewOf(view), now: new Date() });
    return sendPage(reply, page, 200, { 'frame-src': "'self'" });
  });

  app.get<{ Params: { id: string } }>('/:id/html', async (request, reply) => {
    const mail = inbox.get(request.params.id);
    if (!mail) return sendPage(reply, gone, 404);
    const headers = {
      'content-security-policy': FRAME_CSP,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    };
    return reply
      .headers(headers)
      .type('text/html; charset=utf-8')
      .send(framedMail((await parseMail(mail)).html));
  });

  // What becomes of a link before its reader sees it.
  app.post<{ Params: { id: string } }>('/:id/scan', async (request, reply) => {
    const stored = inbox.get(request.params.id);
    if (!stored) return sendPage(reply, gone, 404);
    const mail = await parseMail(stored);
    const scans = await Promise.all(mail.links.map(async (url) => ({ url, steps: await scan(url) })));
    return sendPage(reply, scanPage({ mail, scans, isActive: await isActive?.(mail.links[0] ?? '') }));
  });

  app.get('/style.css', (_request, reply) =>
    reply.type('text/css').header('cache-control', 'no-cache').send(inboxStyle),
  );
};

const wanted = (query: unknown, name: 'to' | 'purpose'): string | undefined => {
  const value = (query as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const gone = messagePage('This mail is gone', 'The inbox was cleared, or the service started anew.');
const notFromHere = messagePage('That did not come from here', 'Please use the buttons of this inbox.');
