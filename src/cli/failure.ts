import {
  RateLimited,
  RedirectUriNotAllowed,
  Refusal,
  RequestInvalid,
  TokenInvalid,
  Unavailable,
} from '../links/errors.js';
import { TemplatesError } from '../mail/template-fault.js';

/** Something the operator can mend; the message is told as it is. */
export class Failure extends Error {}

/** @returns the error in plain words, never a stack and never a secret */
export function tell(error: unknown): string {
  return hush(describe(error));
}

function describe(error: unknown): string {
  if (error instanceof RequestInvalid) {
    const faults = error.errors.map(({ pointer, detail }) => `  ${optionAt(pointer)} ${detail}`.trimEnd());
    return `The link cannot be minted like this:\n${faults.join('\n')}`;
  }
  if (error instanceof RateLimited)
    return `Too many links for this recipient. Try again in ${error.retryAfter} seconds, or pass --delivery return.`;
  if (error instanceof RedirectUriNotAllowed)
    return "--redirect-uri must equal one of the app's registered redirect URIs, character by character. `oncelink apps list` shows them.";
  if (error instanceof TokenInvalid)
    return 'This is not a link of this service. Pass it exactly as it was received, with the PUBLIC_URL and signing keys of the service that minted it.';
  if (error instanceof Unavailable)
    return `The database did not answer: ${reasonOf(error.cause)}. Nothing is decided; try again.`;
  if (error instanceof Failure || error instanceof Refusal || error instanceof TemplatesError) return error.message;
  return `It did not work: ${reasonOf(error)}.`;
}

/** @returns the one sentence of an error that helps, without its full stop */
export function reasonOf(error: unknown): string {
  // Node tries every address of a host and bundles the failures, with an empty message.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const text = error.message || (error as NodeJS.ErrnoException).code || error.name;
  return text.split('\n')[0]!.replace(/\.$/, '');
}

/** `/expiresIn` → `--expires-in`: the request was made of options. */
function optionAt(pointer: string): string {
  const [, member = '', ...rest] = pointer.split('/');
  const option = member.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return member && [`--${option}`, ...rest].join(' ');
}

/**
 * Tokens and codes, API keys, and the user part of URLs: drivers and usage errors repeat what they were given. Our own
 * advice on how to write a URL names nobody.
 */
export function hush(text: string): string {
  return text
    .replace(/eyJ(?:[\w-]{28}|[\w-]*\.)[\w.-]*/g, '[token]')
    .replace(/olk_([A-Za-z0-9]+)_[A-Za-z0-9_-]+/g, 'olk_$1_[secret]')
    .replace(/\/\/(?!user:password@)[^\s/@]+@/g, '//[credentials]@');
}
