import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Demo } from '../demo.js';
import { forgetCode, handedOver, takeCode, type HandOver } from '../hand-over.js';
import { OncelinkProblem } from '../oncelink.js';
import { addressOf, textOf } from '../pages/fields.js';
import { magicLinkPage, thisDevicePage } from '../pages/magic-link.js';
import { rememberBrowser, unlessForeign, verifierOf } from '../same-browser.js';
import { currentUser, signIn } from '../sessions.js';
import type { User } from '../users.js';
import { goTo, sendPage } from '../web/pages.js';

const purpose = 'magic-link';

/** Log in with a link instead of a password: `magic-link`. */
export function magicLink(app: FastifyInstance, { oncelink, users, redirectUri }: Demo): void {
  const config = { askAgain: { path: '/demo/magic-link', label: 'Ask for a new link' } };

  app.get('/magic-link', async (request, reply) => {
    if (await currentUser(request, users)) return goTo(reply, '/demo/account');
    return sendPage(reply, magicLinkPage({ email: request.session.address }));
  });

  app.post('/magic-link', { config }, async (request, reply) => {
    const email = addressOf(request.body);
    if (!email) {
      const error = 'Please enter an address like ann@example.com.';
      return sendPage(reply, magicLinkPage({ email: textOf(request.body, 'email'), error }), 422);
    }
    request.session.address = email;
    const user = await users.byEmail(email);
    // For an unknown address a decoy: Oncelink does the same work and counts the same limits, but mails nothing.
    // So neither this page nor its timing nor a 429 tells who has an account.
    await oncelink.mint({
      purpose,
      recipient: email,
      subject: user?.id ?? randomUUID(),
      decoy: !user,
      templateData: user ? { name: user.name } : undefined,
      redirectUri: redirectUri.signedIn,
      codeChallenge: rememberBrowser(request, reply),
    });
    request.session.mailed = 'sign-in';
    return goTo(reply, '/demo/check-inbox');
  });

  // Where the confirm page sends people. Nothing is used up yet.
  app.get('/signed-in', { config }, async (request, reply) => {
    const moved = takeCode(request, reply);
    if (moved) return moved;
    const handOver = codeOf(request);

    // The browser that asked has pressed the button on the confirm page: that is all the consent there is to give.
    const codeVerifier = verifierOf(request);
    const owner = codeVerifier && (await redeem(handOver, codeVerifier).catch(unlessForeign));
    if (owner) return enter(request, reply, owner);
    // Any other browser: another device of the same person, most often. But it may also be somebody who was sent a
    // stranger's link, to work in the stranger's account unawares (login CSRF); or a robot that scans mails and presses
    // every button. So ask for the address: only the person whose link it is types that one.
    await oncelink.inspect({ code: handOver.code, purpose });
    return sendPage(reply, thisDevicePage({ current: await currentUser(request, users) }));
  });

  // "Sign in here."
  app.post('/signed-in', { config }, async (request, reply) => {
    const handOver = codeOf(request);
    const link = await oncelink.inspect({ code: handOver.code, purpose });
    if (addressOf(request.body) === link.recipient) return enter(request, reply, await redeem(handOver));
    const error = 'The mail with this link went to another address.';
    const current = await currentUser(request, users);
    return sendPage(reply, thisDevicePage({ current, email: textOf(request.body, 'email'), error }), 422);
  });

  async function redeem({ code, attempt }: HandOver, codeVerifier?: string): Promise<User> {
    const link = await oncelink.redeem({ code, purpose, codeVerifier }, attempt);
    const user = await users.byId(link.subject);
    // The link proves the mailbox it went to. Should the account have moved to another address, it proves nothing.
    if (user?.email !== link.recipient) throw new OncelinkProblem('token_invalid', 400);
    return user;
  }

  // The account does not become verified by this: its password may be of somebody who signed up with this address
  // before its owner came (account pre-hijacking). A reset, which replaces the password, does verify.
  async function enter(request: FastifyRequest, reply: FastifyReply, user: User): Promise<FastifyReply> {
    await signIn(request, user);
    forgetCode(request, reply);
    await oncelink.notify({
      purpose: 'new-sign-in',
      recipient: user.email,
      subject: user.id,
      templateData: { name: user.name },
    });
    return goTo(reply, '/demo/account');
  }
}

function codeOf(request: FastifyRequest): HandOver {
  const handOver = handedOver(request);
  if (!handOver) throw new OncelinkProblem('token_invalid', 400);
  return handOver;
}
