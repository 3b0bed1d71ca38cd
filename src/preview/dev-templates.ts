import { createHash } from 'node:crypto';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { watch, type FSWatcher } from 'node:fs';
import type { AppStore } from '../apps/app.js';
import { readTemplates } from '../templates.js';
import { GALLERY_STYLE, galleryPage, phonePage, samplesOf, type Sample } from './gallery.js';

const STYLE = '<link rel="stylesheet" href="/dev/templates/style.css">';
const RELOAD = `new EventSource('/dev/templates/changes').onmessage = () => location.reload();`;
const RELOAD_HASH = createHash('sha256').update(RELOAD).digest('base64');
const MAIL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; sandbox";
const PAGE_POLICY = `default-src 'none'; style-src 'self'; frame-src 'self'; connect-src 'self'; script-src 'sha256-${RELOAD_HASH}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`;

/** Development's view of the templates as they are on the disk now: read anew for each look, reloaded when a file changes. */
export const devTemplates: FastifyPluginAsync<{ templatesDir: string; apps: AppStore }> = async (
  app,
  { templatesDir, apps },
) => {
  const listeners = new Set<FastifyReply>();
  let watcher: FSWatcher | undefined;
  const watchFiles = (): void => {
    watcher ??= watch(templatesDir, { recursive: true }, () => {
      for (const { raw } of listeners) raw.write('data: changed\n\n');
    }).on('error', () => {}); // a folder that went away is told by the next look
  };
  app.addHook('preClose', async () => {
    watcher?.close();
    for (const { raw } of listeners) raw.end();
  });

  const look = async (): Promise<{ samples: Sample[]; faults: string[] }> => {
    const { letters, purposes, faults } = readTemplates(templatesDir);
    const samples = letters ? samplesOf(letters, purposes.keys(), await apps.list()) : [];
    return { samples, faults: faults.map(({ message }) => message) };
  };
  const send = (reply: FastifyReply, type: string, body: string, policy = PAGE_POLICY): FastifyReply =>
    reply
      .headers({
        'content-security-policy': policy,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      .type(`${type}; charset=utf-8`)
      .send(body);

  app.get('/', async (_request, reply) => {
    const { samples, faults } = await look();
    const linked = samples.map((sample) => ({ ...sample, path: `/dev/templates/${sample.path}` }));
    return send(reply, 'text/html', galleryPage(linked, faults, STYLE, `<script>${RELOAD}</script>`));
  });

  app.get('/style.css', (_request, reply) => send(reply, 'text/css', GALLERY_STYLE));

  app.get('/changes', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    reply.raw.write(': watching\n\n');
    listeners.add(reply);
    watchFiles();
    reply.raw.on('close', () => listeners.delete(reply));
  });

  app.get<{ Params: { app: string; purpose: string; file: string } }>(
    '/:app/:purpose/:file',
    async (request, reply) => {
      const { app: id, purpose, file } = request.params;
      const [, locale, view] = /^([A-Za-z0-9-]+)\.(phone\.html|html|txt)$/.exec(file) ?? [];
      const { samples, faults } = await look();
      const sample = samples.find(({ path }) => path === `${id}/${purpose}/${locale}`);
      if (!sample)
        return send(reply.status(faults.length > 0 ? 200 : 404), 'text/html', galleryPage([], faults, STYLE));
      if (view === 'txt') return send(reply, 'text/plain', `Subject: ${sample.subject}\n\n${sample.text}`);
      return view === 'html'
        ? send(reply, 'text/html', sample.html, MAIL_POLICY)
        : send(reply, 'text/html', phonePage(sample, STYLE + `<script>${RELOAD}</script>`));
    },
  );
};
