import { createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OncelinkProblem } from './oncelink.js';

const COOKIE = 'fernweh_verifier';
const MAX_AGE = 60 * 60; // seconds; at least as long as the links it stands for

/**
 * The secret with which a browser shows that it is the one that asked for the link (the `code_verifier` of RFC 7636).
 * A browser keeps one for all it asks for: impatient people ask twice, and either mail should find its way home.
 * @returns the challenge to mint the link with: the S256 digest, which tells nobody the secret
 */
export function rememberBrowser(request: FastifyRequest, reply: FastifyReply): string {
  const verifier = verifierOf(request) ?? randomBytes(32).toString('base64url');
  reply.setCookie(COOKIE, verifier, { path: '/demo', maxAge: MAX_AGE });
  return createHash('sha256').update(verifier).digest('base64url');
}

/** A secret of this browser that belongs to another request is no fault, only a "no, not from here". */
export function unlessForeign(error: unknown): undefined {
  if (!(error instanceof OncelinkProblem && error.code === 'binding_mismatch')) throw error;
}

export function verifierOf(request: FastifyRequest): string | undefined {
  const verifier = request.cookies[COOKIE];
  return verifier && /^[\w-]{43}$/.test(verifier) ? verifier : undefined;
}
