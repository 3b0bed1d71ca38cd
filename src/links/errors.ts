import { ExpectedError } from './expected-error.js';

/**
 * Every way the domain says no: one class per refusal, one closed union of codes.
 * The HTTP layer gives each code its status and title; a code without a line there does not compile.
 * Messages say what to do and never repeat anything of the input.
 */
export type RefusalCode =
  | 'request_invalid'
  | 'not_found'
  | 'token_invalid'
  | 'code_incorrect'
  | 'code_exhausted'
  | 'link_expired'
  | 'link_redeemed'
  | 'link_revoked'
  | 'link_superseded'
  | 'fingerprint_mismatch'
  | 'binding_mismatch'
  | 'redirect_uri_not_allowed'
  | 'idempotency_mismatch'
  | 'rate_limited'
  | 'unavailable';

export abstract class Refusal extends ExpectedError {
  abstract readonly code: RefusalCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** One fault of a request: an RFC 6901 pointer to the member and what is expected there. */
export interface FieldError {
  pointer: string;
  detail: string;
}

export class RequestInvalid extends Refusal {
  readonly code = 'request_invalid';
  constructor(readonly errors: readonly FieldError[]) {
    super('The request does not fit; every fault is listed under "errors".');
  }
  static at(pointer: string, detail: string): RequestInvalid {
    return new RequestInvalid([{ pointer, detail }]);
  }
}

export class NotFound extends Refusal {
  readonly code = 'not_found';
  constructor(what = 'resource') {
    super(`There is no such ${what} for this app.`);
  }
}

/** Malformed, forged, unknown, another app's, another purpose's: one answer, so that it tells a stranger nothing. */
export class TokenInvalid extends Refusal {
  readonly code = 'token_invalid';
  constructor() {
    super('This is not a link of this app and purpose. Use the token or code exactly as it was received.');
  }
}

/** The same for a link and for a decoy, with no hint how near it was. */
export class CodeIncorrect extends Refusal {
  readonly code = 'code_incorrect';
  constructor() {
    super('This is not the one-time code of the link. After five wrong ones only the link itself works.');
  }
}

export class CodeExhausted extends Refusal {
  readonly code = 'code_exhausted';
  constructor() {
    super('Too many wrong one-time codes were given. The link itself stays good; use that, or mint a new one.');
  }
}

export class LinkExpired extends Refusal {
  readonly code = 'link_expired';
  constructor() {
    super('The link has expired. Mint a new one.');
  }
}

export class LinkRedeemed extends Refusal {
  readonly code = 'link_redeemed';
  constructor() {
    super('The link has already been used. Mint a new one if it is needed again.');
  }
}

export class LinkRevoked extends Refusal {
  readonly code = 'link_revoked';
  constructor() {
    super('The link has been withdrawn. Mint a new one.');
  }
}

export class LinkSuperseded extends Refusal {
  readonly code = 'link_superseded';
  constructor() {
    super('A newer link has replaced this one. Use the newest mail.');
  }
}

export class FingerprintMismatch extends Refusal {
  readonly code = 'fingerprint_mismatch';
  constructor() {
    super(
      'What the link was minted for has changed since. The link stays redeemable with the fingerprint it was minted with.',
    );
  }
}

export class BindingMismatch extends Refusal {
  readonly code = 'binding_mismatch';
  constructor() {
    super('The link was requested in another browser. Open it in that one; it stays redeemable.');
  }
}

export class RedirectUriNotAllowed extends Refusal {
  readonly code = 'redirect_uri_not_allowed';
  constructor() {
    super("redirectUri must equal one of the app's registered redirect URIs, character by character.");
  }
}

export class IdempotencyMismatch extends Refusal {
  readonly code = 'idempotency_mismatch';
  constructor() {
    super('This Idempotency-Key was used with another body. Use a new key for a new request.');
  }
}

export class RateLimited extends Refusal {
  readonly code = 'rate_limited';
  /** @param retryAfter whole seconds until the same request may succeed */
  constructor(readonly retryAfter: number) {
    super('Too many requests of this kind. Try again after the time given in Retry-After.');
  }
}

/** The store cannot answer: never a verdict, always worth asking again. */
export class Unavailable extends Refusal {
  readonly code = 'unavailable';
  readonly retryAfter = 1;
  constructor(options?: ErrorOptions) {
    super(
      'The service cannot answer at the moment. Ask again, with the same Idempotency-Key if you sent one.',
      options,
    );
  }
}
