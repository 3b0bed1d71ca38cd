import { randomBytes } from 'node:crypto';
import cookie from '@fastify/cookie';
import session from '@fastify/session';
import type { FastifyPluginAsync } from 'fastify';
import { account } from './flows/account.js';
import { logIn } from './flows/log-in.js';
import { magicLink } from './flows/magic-link.js';
import { reset } from './flows/reset.js';
import { signUp } from './flows/sign-up.js';
import { redirectUrisOf, type Demo, type DemoOptions } from './demo.js';
import { Oncelink } from './oncelink.js';
import { noticePage } from './pages/notice.js';
import { style } from './pages/style.js';
import { showRefusal } from './refusals.js';
import { Users } from './users.js';
import { sendPage } from './web/pages.js';
import { isSameOrigin } from './web/same-origin.js';

/**
 * Fernweh, a small product that lets Oncelink do its mail links. It talks to Oncelink over HTTP only, as yours would:
 * start reading at `flows/`, one file per flow, with `oncelink.ts` for the calls.
 */
export const demoApp: FastifyPluginAsync<DemoOptions> = async (app, options) => {
  const users = await Users.open(options.databasePath);
  app.addHook('onClose', () => users.close());

  const ownCookie = { httpOnly: true, sameSite: 'lax', secure: options.baseUrl.startsWith('https:') } as const;
  await app.register(cookie, { parseOptions: ownCookie });
  // Sessions live in memory and end with the process: enough for a demo. A product gives `store` a database.
  await app.register(session, {
    secret: randomBytes(32).toString('base64'),
    cookieName: 'fernweh_session',
    cookie: { ...ownCookie, path: '/demo' },
    saveUninitialized: false,
  });

  app.setErrorHandler(showRefusal);
  app.setNotFoundHandler((_request, reply) => sendPage(reply, nothingHere, 404));
  app.addHook('preHandler', async (request, reply) => {
    if (!isSameOrigin(request)) return sendPage(reply, notFromHere, 403);
  });

  const demo: Demo = {
    oncelink: new Oncelink(options.apiUrl, options.apiKey),
    users,
    redirectUri: redirectUrisOf(options.baseUrl),
    now: options.now ?? Date.now,
  };
  signUp(app, demo);
  logIn(app, demo);
  magicLink(app, demo);
  reset(app, demo);
  account(app, demo);
  app.get('/style.css', (_request, reply) => reply.type('text/css').header('cache-control', 'no-cache').send(style));
};

const home = { path: '/demo', label: 'To the start page' };
const nothingHere = noticePage({ title: 'Nothing here', text: 'This page does not exist.', action: home });
const notFromHere = noticePage({
  title: 'That did not come from here',
  text: 'For your safety we only accept forms from our own pages. Please open Fernweh and try again.',
  action: home,
});
