import { createHash } from 'node:crypto';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { watch, type FSWatcher } from 'node:fs';
import type { AppStore } from '../apps/app.js';
import { readTemplates } from '../templates.js';
import { galleryOf, type Exhibit } from './gallery.js';
import { GALLERY_STYLE } from './markup.js';

const RELOAD = `new EventSource('/dev/templates/changes').onmessage = () => location.reload();`;
const RELOAD_HASH = createHash('sha256').update(RELOAD).digest('base64');
const HEAD = `<link rel="stylesheet" href="/dev/templates/style.css">\n<script>${RELOAD}</script>`;
const WAYS = [
  { href: '/dev/inbox', label: 'Dev inbox' },
  { href: '/demo', label: 'Demo app' },
];
const OWN = `default-src 'none'; style-src 'self'; frame-src 'self'; connect-src 'self'; script-src 'sha256-${RELOAD_HASH}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`;
/** A mail or a page stands here as a stranger's: no script, no form, no origin of ours. */
const STRANGER =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; sandbox";

const KINDS: Record<Exhibit['kind'], readonly [type: string, policy: string]> = {
  frame: ['text/html', OWN],
  template: ['text/html', STRANGER],
  text: ['text/plain', STRANGER],
};
/** A page asks for its frames at once: what was read for the first serves them all. Milliseconds. */
const KEPT = 2_000;

/** Development's view of the templates as they are on the disk now, reloaded when a file changes. */
export const devTemplates: FastifyPluginAsync<{ templatesDir: string; apps: AppStore }> = async (
  app,
  { templatesDir, apps },
) => {
  const listeners = new Set<FastifyReply>();
  let watcher: FSWatcher | undefined;
  let kept: { readonly gallery: Promise<Exhibit[]>; readonly until: number } | undefined;
  const watchFiles = (): void => {
    watcher ??= watch(templatesDir, { recursive: true }, () => {
      kept = undefined;
      for (const { raw } of listeners) raw.write('data: changed\n\n');
    }).on('error', () => {}); // a folder that went away is told by the next look
  };
  app.addHook('preClose', async () => {
    watcher?.close();
    for (const { raw } of listeners) raw.end();
  });

  const look = (): Promise<Exhibit[]> => {
    if (!kept || kept.until < Date.now()) {
      const read = async (): Promise<Exhibit[]> =>
        galleryOf(readTemplates(templatesDir, apps), await apps.list(), { head: HEAD, ways: WAYS });
      kept = { gallery: read(), until: Date.now() + KEPT };
    }
    return kept.gallery;
  };
  const send = (reply: FastifyReply, type: string, body: string, policy = OWN): FastifyReply =>
    reply
      .headers({
        'content-security-policy': policy,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      .type(`${type}; charset=utf-8`)
      .send(body);

  app.get('/style.css', (_request, reply) => send(reply, 'text/css', GALLERY_STYLE));

  app.get('/changes', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    reply.raw.write(': watching\n\n');
    listeners.add(reply);
    watchFiles();
    reply.raw.on('close', () => listeners.delete(reply));
  });

  // Links are relative to the folder.
  app.get('', (_request, reply) => reply.redirect('/dev/templates/', 303));

  app.get<{ Params: { '*': string } }>('/*', async ({ params }, reply) => {
    const gallery = await look();
    // A mail that is not to be found may have a fault: the first page tells.
    const exhibit = gallery.find(({ path }) => path === params['*']);
    const { kind, read } = exhibit ?? gallery[0]!;
    const [type, policy] = KINDS[kind];
    if (!exhibit && params['*'] !== '') reply.status(404);
    return send(reply, type, await read(), policy);
  });
};
