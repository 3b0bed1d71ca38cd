import type { FastifyRequest } from 'fastify';
import type { User, Users } from './users.js';

declare module 'fastify' {
  interface Session {
    userId?: string;
    passwordVersion?: number;
    /** The address this browser typed last: fills in the next form, names the inbox to look into. */
    address?: string;
    /** What the last mail was asked for. */
    mailed?: 'verification' | 'sign-in' | 'reset';
    /** Whose password this browser is about to change. */
    resets?: string;
    /** The link for it was asked for in another browser. */
    resetsElsewhere?: boolean;
    /** It has just done so. */
    passwordChanged?: boolean;
  }
}

/** A new session id at every sign-in, so that one planted beforehand is worth nothing (session fixation). */
export async function signIn(request: FastifyRequest, user: User): Promise<void> {
  await request.session.regenerate();
  request.session.userId = user.id;
  request.session.passwordVersion = user.passwordVersion;
  request.session.address = user.email;
}

/** The person signed in. A session from before the last password change is nobody's. */
export async function currentUser(request: FastifyRequest, users: Users): Promise<User | undefined> {
  const { userId, passwordVersion } = request.session;
  const user = userId === undefined ? null : await users.byId(userId);
  return user && user.passwordVersion === passwordVersion ? user : undefined;
}
