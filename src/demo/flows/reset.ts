import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Demo } from '../demo.js';
import { forgetCode, handedOver, takeCode } from '../hand-over.js';
import { OncelinkProblem } from '../oncelink.js';
import { addressOf, textOf } from '../pages/fields.js';
import { noticePage } from '../pages/notice.js';
import { forgotPage, newPasswordPage } from '../pages/reset.js';
import { hashPassword, passwordFault } from '../passwords.js';
import { rememberBrowser, unlessForeign, verifierOf } from '../same-browser.js';
import { currentUser } from '../sessions.js';
import type { User } from '../users.js';
import { goTo, sendPage } from '../web/pages.js';

const purpose = 'password-reset';

/** Forgot the password: `password-reset`. The link is used up together with an accepted new password, not before. */
export function reset(app: FastifyInstance, { oncelink, users, redirectUri, now }: Demo): void {
  const config = { askAgain: { path: '/demo/forgot', label: 'Ask for a new link' } };

  app.get('/forgot', async (request, reply) => {
    const user = await currentUser(request, users);
    return sendPage(reply, forgotPage({ email: user?.email ?? request.session.address, user }));
  });

  app.post('/forgot', { config }, async (request, reply) => {
    const email = addressOf(request.body);
    if (!email) {
      const error = 'Please enter an address like ann@example.com.';
      const user = await currentUser(request, users);
      return sendPage(reply, forgotPage({ email: textOf(request.body, 'email'), error, user }), 422);
    }
    request.session.address = email;
    const user = await users.byEmail(email);
    await oncelink.mint({
      purpose,
      recipient: email,
      subject: user?.id ?? randomUUID(),
      decoy: !user, // the same answer, the same work, the same limits for an unknown address
      redirectUri: redirectUri.reset,
      fingerprint: fingerprintOf(user),
      codeChallenge: rememberBrowser(request, reply),
      templateData: user ? { name: user.name } : undefined,
    });
    request.session.mailed = 'reset';
    return goTo(reply, '/demo/check-inbox');
  });

  // Where the confirm page sends people. Nothing is used up yet.
  app.get('/reset', { config }, async (request, reply) => {
    const moved = takeCode(request, reply);
    if (moved) return moved;
    const code = handedOver(request)?.code;
    if (!code && request.session.passwordChanged) return goTo(reply, '/demo/password-changed'); // came back to it
    if (!code) throw new OncelinkProblem('token_invalid', 400);
    const codeVerifier = verifierOf(request);
    const own = codeVerifier && (await oncelink.inspect({ code, purpose, codeVerifier }).catch(unlessForeign));
    const link = own || (await oncelink.inspect({ code, purpose }));
    const user = await users.byId(link.subject);
    if (user?.email !== link.recipient) throw new OncelinkProblem('token_invalid', 400);
    request.session.resets = user.id;
    request.session.resetsElsewhere = !own;
    return sendPage(reply, newPasswordPage({ name: await readerOf(request), owner: own ? user.email : undefined }));
  });

  app.post('/reset', { config }, async (request, reply) => {
    const handOver = handedOver(request);
    const user = await users.byId(request.session.resets ?? '');
    if (!handOver || !user) throw new OncelinkProblem('token_invalid', 400);
    const elsewhere = request.session.resetsElsewhere;
    const password = textOf(request.body, 'password');
    const error = passwordFault(password);
    // A robot that scans mails may fill in a password, too. In a browser that did not ask for the link the form wants
    // the address, which only the person types.
    const stranger = elsewhere && addressOf(request.body) !== user.email;
    if (error || stranger) {
      const form = elsewhere ? { email: textOf(request.body, 'email'), stranger } : { owner: user.email };
      return sendPage(reply, newPasswordPage({ name: await readerOf(request), ...form, error }), 422);
    }

    // The slow part first, so that little can go wrong between using the link up and storing the password. Should the
    // answer of `redeem` be lost, the person presses again: the same attempt gets the same answer, and goes on.
    const passwordHash = await hashPassword(password);
    const { code, attempt } = handOver;
    const codeVerifier = elsewhere ? undefined : verifierOf(request);
    const link = await oncelink.redeem({ code, purpose, fingerprint: fingerprintOf(user), codeVerifier }, attempt);
    if (link.subject !== user.id) throw new OncelinkProblem('token_invalid', 400);
    if (!(await users.changePassword(user, passwordHash))) throw new OncelinkProblem('fingerprint_mismatch', 409);
    await users.markVerified(user, now()); // who could read the mail owns the mailbox
    // Should it not have been the owner of the account, this is how the owner learns of it.
    await oncelink.notify({
      purpose: 'password-changed',
      recipient: user.email,
      subject: user.id,
      templateData: { name: user.name },
    });

    // No sign-in from here: whoever gets hold of a reset mail still has to show that they know the password.
    forgetCode(request, reply);
    request.session.resets = undefined;
    request.session.address = user.email;
    request.session.passwordChanged = true;
    return goTo(reply, '/demo/password-changed');
  });

  app.get('/password-changed', async (request, reply) =>
    request.session.passwordChanged ? sendPage(reply, changedPage) : goTo(reply, '/demo'),
  );

  const readerOf = async (request: FastifyRequest): Promise<string | undefined> =>
    (await currentUser(request, users))?.name;
}

const changedPage = noticePage({
  title: 'Your password is changed',
  text: 'All other devices are logged out. Please log in with the new password.',
  action: { path: '/demo/log-in', label: 'Log in' },
  mood: 'good',
});

/**
 * The state the link depends on. Once the password changes, by whatever way, every older reset link is void: Oncelink
 * compares what was said at mint with what is said at redemption.
 */
const fingerprintOf = (user: User | null): string => `password-version:${user?.passwordVersion ?? 1}`;
