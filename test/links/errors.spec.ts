import * as errors from '../../src/links/errors.js';

test.each([
  [new errors.RequestInvalid([]), 'RequestInvalid', 'request_invalid'],
  [new errors.NotFound(), 'NotFound', 'not_found'],
  [new errors.TokenInvalid(), 'TokenInvalid', 'token_invalid'],
  [new errors.CodeIncorrect(), 'CodeIncorrect', 'code_incorrect'],
  [new errors.CodeExhausted(), 'CodeExhausted', 'code_exhausted'],
  [new errors.LinkExpired(), 'LinkExpired', 'link_expired'],
  [new errors.LinkRedeemed(), 'LinkRedeemed', 'link_redeemed'],
  [new errors.LinkRevoked(), 'LinkRevoked', 'link_revoked'],
  [new errors.LinkSuperseded(), 'LinkSuperseded', 'link_superseded'],
  [new errors.FingerprintMismatch(), 'FingerprintMismatch', 'fingerprint_mismatch'],
  [new errors.BindingMismatch(), 'BindingMismatch', 'binding_mismatch'],
  [new errors.RedirectUriNotAllowed(), 'RedirectUriNotAllowed', 'redirect_uri_not_allowed'],
  [new errors.IdempotencyMismatch(), 'IdempotencyMismatch', 'idempotency_mismatch'],
  [new errors.RateLimited(7), 'RateLimited', 'rate_limited'],
  [new errors.Unavailable(), 'Unavailable', 'unavailable'],
])('%s is a refusal with a name and a code', (error, name, code) => {
  expect(error).toBeInstanceOf(errors.Refusal);
  expect({ name: error.name, code: error.code }).toEqual({ name, code });
});

test('a refusal carries what is to be done about it', () => {
  expect(errors.RequestInvalid.at('/subject', 'is required').errors).toEqual([
    { pointer: '/subject', detail: 'is required' },
  ]);
  expect(new errors.NotFound('link').message).toBe('There is no such link for this app.');
  expect(new errors.NotFound().message).toBe('There is no such resource for this app.');
  expect(new errors.RateLimited(7).retryAfter).toBe(7);
  const cause = new Error('disk');
  expect(new errors.Unavailable({ cause })).toMatchObject({ cause, retryAfter: 1 });
});
