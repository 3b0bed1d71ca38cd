import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Demo } from '../demo.js';
import { handedOver, takeCode } from '../hand-over.js';
import { OncelinkProblem, type MintRequest } from '../oncelink.js';
import { addressOf, textOf } from '../pages/fields.js';
import { noticePage } from '../pages/notice.js';
import { signUpPage } from '../pages/sign-up.js';
import { hashPassword, passwordFault } from '../passwords.js';
import { rememberBrowser, verifierOf } from '../same-browser.js';
import { currentUser } from '../sessions.js';
import type { User } from '../users.js';
import { address, html } from '../web/html.js';
import { goTo, sendPage } from '../web/pages.js';

/** Sign up, and prove the address: `email-verification`. */
export function signUp(app: FastifyInstance, { oncelink, users, redirectUri, now }: Demo): void {
  const askAgain = { path: '/demo/account', label: 'Ask for a new link' };

  app.get('/sign-up', async (request, reply) => {
    if (await currentUser(request, users)) return goTo(reply, '/demo/account');
    return sendPage(reply, signUpPage({ email: request.session.address }));
  });

  app.post('/sign-up', async (request, reply) => {
    const name = textOf(request.body, 'name').trim();
    const email = addressOf(request.body);
    const password = textOf(request.body, 'password');
    const errors = {
      name: nameFault(name),
      email: email ? undefined : 'Please enter an address like ann@example.com.',
      password: passwordFault(password),
    };
    if (!email || errors.name || errors.password) {
      return sendPage(reply, signUpPage({ name, email: textOf(request.body, 'email'), errors }), 422);
    }

    const user = { id: randomUUID(), name, email, passwordHash: await hashPassword(password) };
    const codeChallenge = rememberBrowser(request, reply);
    const added = await users.add(user);
    // An address that has a notebook already gets a sign-in link instead. On the screen both look the same,
    // down to the limits: otherwise this form would tell anybody who is a member here.
    const mail: MintRequest = added
      ? verification(user, redirectUri.verified, codeChallenge)
      : signInLink((await users.byEmail(email))!, redirectUri.signedIn, codeChallenge);
    await oncelink.mint(mail).catch(unlessLimited);

    request.session.address = email;
    request.session.mailed = 'verification';
    return goTo(reply, '/demo/check-inbox');
  });

  // Where the confirm page sends people. Oncelink has redeemed the link (`redeemOn: page`); the code proves it. Where the
  // purpose says `binding: required`, it is left to us: then only the browser that signed up gets through.
  app.get('/verified', { config: { askAgain } }, async (request, reply) => {
    const moved = takeCode(request, reply);
    if (moved) return moved;
    const handOver = handedOver(request);
    if (!handOver) throw new OncelinkProblem('token_invalid', 400);

    const proof = { code: handOver.code, purpose: 'email-verification', codeVerifier: verifierOf(request) } as const;
    let link = await oncelink.inspect(proof);
    if (link.status === 'active' && proof.codeVerifier) link = await oncelink.redeem(proof, handOver.attempt);
    const user = await users.byId(link.subject);
    // The link proves the address it was mailed to, which need not be the account's address any more.
    if (link.status !== 'redeemed' || user?.email !== link.recipient) throw new OncelinkProblem('token_invalid', 400);
    await users.markVerified(user, now());

    const reader = await currentUser(request, users);
    if (!reader) request.session.address = user.email;
    return sendPage(
      reply,
      noticePage({
        title: 'Your address is confirmed',
        text: html`Thank you, ${user.name}. ${address(user.email)} now belongs to your notebook.`,
        action: reader
          ? { path: '/demo/account', label: 'Open your notebook' }
          : { path: '/demo/log-in', label: 'Log in' },
        name: reader?.name,
        mood: 'good',
      }),
    );
  });

  // Signed in and not verified yet: the account page offers the mail again.
  app.post('/account', { config: { askAgain } }, async (request, reply) => {
    const user = await currentUser(request, users);
    if (!user) return goTo(reply, '/demo/log-in');
    await oncelink.mint(verification(user, redirectUri.verified, rememberBrowser(request, reply)));
    request.session.address = user.email;
    request.session.mailed = 'verification';
    return goTo(reply, '/demo/check-inbox');
  });
}

const verification = (
  user: Pick<User, 'id' | 'name' | 'email'>,
  redirectUri: string,
  codeChallenge: string,
): MintRequest => ({
  purpose: 'email-verification',
  recipient: user.email,
  subject: user.id,
  templateData: { name: user.name },
  redirectUri,
  codeChallenge,
});

const signInLink = (owner: User, redirectUri: string, codeChallenge: string): MintRequest => ({
  purpose: 'magic-link',
  recipient: owner.email,
  subject: owner.id,
  templateData: { name: owner.name },
  redirectUri,
  codeChallenge,
});

/** The name goes into a mail to an address that nobody has proven yet: no advertising in it (`evil.example/prize`). */
function nameFault(name: string): string | undefined {
  if (name === '') return 'Please tell us what to call you.';
  if (name.length > 64) return 'Please use at most 64 characters.';
  if (/[\p{C}<>/:@]|\w\.\w/u.test(name)) return 'Just a name, please: no addresses or special signs.';
  return undefined;
}

function unlessLimited(error: unknown): void {
  if (!(error instanceof OncelinkProblem && error.code === 'rate_limited')) throw error;
}
