import type { FastifyInstance } from 'fastify';
import type { Demo } from '../demo.js';
import { accountPage } from '../pages/account.js';
import { checkInboxPage } from '../pages/check-inbox.js';
import { homePage } from '../pages/home.js';
import { currentUser } from '../sessions.js';
import { goTo, sendPage } from '../web/pages.js';

/** The pages between the flows: start, notebook, and "check your inbox". */
export function account(app: FastifyInstance, { users }: Demo): void {
  app.get('/', async (request, reply) => sendPage(reply, homePage({ user: await currentUser(request, users) })));

  app.get('/account', async (request, reply) => {
    const user = await currentUser(request, users);
    return user ? sendPage(reply, accountPage(user)) : goTo(reply, '/demo/log-in');
  });

  app.get('/check-inbox', async (request, reply) => {
    const { address, mailed } = request.session;
    if (!address || !mailed) return goTo(reply, '/demo');
    return sendPage(reply, checkInboxPage({ email: address, mailed, user: await currentUser(request, users) }));
  });
}
