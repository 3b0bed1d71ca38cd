import type { FastifyInstance } from 'fastify';
import type { Demo } from '../demo.js';
import { addressOf, textOf } from '../pages/fields.js';
import { logInPage } from '../pages/log-in.js';
import { passwordMatches } from '../passwords.js';
import { currentUser, signIn } from '../sessions.js';
import { goTo, sendPage } from '../web/pages.js';

/** Log in by password, and log out. */
export function logIn(app: FastifyInstance, { users }: Demo): void {
  app.get('/log-in', async (request, reply) => {
    if (await currentUser(request, users)) return goTo(reply, '/demo/account');
    return sendPage(reply, logInPage({ email: request.session.address }));
  });

  app.post('/log-in', async (request, reply) => {
    const email = addressOf(request.body) ?? '';
    const user = await users.byEmail(email);
    const matches = await passwordMatches(textOf(request.body, 'password'), user?.passwordHash);
    if (!user || !matches) {
      const error = 'This address and this password do not go together.';
      return sendPage(reply, logInPage({ email: textOf(request.body, 'email'), error }), 422);
    }
    await signIn(request, user);
    return goTo(reply, '/demo/account');
  });

  app.post('/log-out', async (request, reply) => {
    await request.session.destroy();
    reply.clearCookie('fernweh_session', { path: '/demo' });
    return goTo(reply, '/demo');
  });
}
