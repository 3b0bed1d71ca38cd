import { RequestInvalid, type FieldError, type Refusal, type RefusalCode } from '../links/errors.js';
import { ExpectedError } from '../links/expected-error.js';

export type ProblemCode =
  | RefusalCode
  | 'unauthorized'
  | 'forbidden'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'method_not_allowed'
  | 'internal_error';

interface Line {
  readonly status: number;
  readonly title: string;
}

/** THE PROBLEMS: code → status and title. A code without a line does not compile. */
export const PROBLEMS: Readonly<Record<ProblemCode, Line>> = {
  request_invalid: { status: 422, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'Not permitted' },
  not_found: { status: 404, title: 'Not found' },
  token_invalid: { status: 400, title: 'The token or code is not valid' },
  code_incorrect: { status: 400, title: 'The one-time code is not right' },
  code_exhausted: { status: 410, title: 'The one-time code is dead' },
  link_expired: { status: 410, title: 'The link has expired' },
  link_redeemed: { status: 410, title: 'The link has already been used' },
  link_revoked: { status: 410, title: 'The link has been withdrawn' },
  link_superseded: { status: 410, title: 'A newer link has replaced this one' },
  fingerprint_mismatch: { status: 409, title: 'The state the link depends on has changed' },
  binding_mismatch: { status: 409, title: 'The link belongs to another browser' },
  redirect_uri_not_allowed: { status: 422, title: 'The redirect URI is not registered' },
  idempotency_mismatch: { status: 422, title: 'The idempotency key was used with another body' },
  rate_limited: { status: 429, title: 'Too many requests' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported' },
  method_not_allowed: { status: 405, title: 'The method is not allowed' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
  internal_error: { status: 500, title: 'Something went wrong' },
};

/** A problem as the caller is told of it (RFC 9457). */
export interface Told {
  readonly code: ProblemCode;
  readonly status: number;
  readonly message: string;
  readonly errors?: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Thrown by the HTTP layer itself. */
export class Problem extends ExpectedError implements Told {
  readonly status: number;
  readonly errors?: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    more: { status?: number; errors?: readonly FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause });
    this.status = more.status ?? PROBLEMS[code].status;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

/** No second error for the first: making one is a good part of what refusing costs. */
export function toProblem(refusal: Refusal): Told {
  return {
    code: refusal.code,
    status: PROBLEMS[refusal.code].status,
    message: refusal.message,
    errors: refusal instanceof RequestInvalid ? refusal.errors : undefined,
    headers: 'retryAfter' in refusal ? { 'retry-after': String(refusal.retryAfter) } : {},
    cause: refusal.cause,
  };
}

/** @param occurrence an id that a log line bears, too */
export function toDocument({ code, status, message, errors }: Told, occurrence: string): Record<string, unknown> {
  return {
    type: `urn:oncelink:problem:${code.replaceAll('_', '-')}`,
    title: PROBLEMS[code].title,
    status,
    detail: message,
    code,
    instance: `urn:oncelink:request:${occurrence}`,
    ...(errors && { errors }),
  };
}
