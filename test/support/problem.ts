import type { Answer } from './service.js';

/** The problems of the contract: code → status. A document may deviate from it only where a test says so. */
export const STATUS_OF = {
  request_invalid: 422,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  token_invalid: 400,
  code_incorrect: 400,
  code_exhausted: 410,
  link_expired: 410,
  link_redeemed: 410,
  link_revoked: 410,
  link_superseded: 410,
  fingerprint_mismatch: 409,
  binding_mismatch: 409,
  redirect_uri_not_allowed: 422,
  idempotency_mismatch: 422,
  rate_limited: 429,
  payload_too_large: 413,
  unsupported_media_type: 415,
  method_not_allowed: 405,
  unavailable: 503,
} as const;
export type Code = keyof typeof STATUS_OF;

/** Planted in values and member names; an answer that holds it echoes its input. */
export const CANARY = 'c4n4ryBird';

/** The answer is this problem, its document has exactly the members it may have, and nothing of the input is in it. */
export function expectProblem(answer: Answer, code: Code, status: number = STATUS_OF[code]): void {
  expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} .*"code":"${code}"`));
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const { errors, ...document } = answer.body;
  expect(document).toEqual({
    type: `urn:oncelink:problem:${code.replaceAll('_', '-')}`,
    title: expect.stringMatching(/\S/),
    status,
    detail: expect.stringMatching(/\S/),
    code,
    instance: expect.stringMatching(/^\S+$/),
  });
  if (code === 'request_invalid') expectFieldErrors(errors);
  else expect(errors).toBeUndefined();
  if (code === 'rate_limited' || code === 'unavailable') {
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  }
  expectNoEcho(answer);
}

export function expectNoEcho(answer: Answer): void {
  expect(answer.text.toLowerCase()).not.toContain(CANARY.toLowerCase());
}

function expectFieldErrors(errors: unknown): void {
  expect(Array.isArray(errors)).toBe(true);
  for (const error of errors as unknown[]) {
    expect(error).toEqual({ pointer: expect.stringMatching(/^(\/[^/]*)*$/), detail: expect.stringMatching(/\S/) });
  }
}
