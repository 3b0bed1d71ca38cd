import { challengeOf, fingerprintOf } from '../../src/links/digest.js';
import {
  ended,
  endedFor,
  explain,
  isCodeAlive,
  isReplay,
  questionOf,
  sameBrowser,
  IDEMPOTENCY_LIFETIME,
} from '../../src/links/judgement.js';
import type { Purpose } from '../../src/links/purpose.js';
import type { Proof } from '../../src/links/tokens.js';
import { asks, NOW, sampleLink } from '../../src/testing/exam-tools.js';

const link = sampleLink();
const proof: Proof = {
  id: link.id,
  app: link.app,
  purpose: link.purpose,
  expired: false,
  redeemedOnPage: false,
  bound: false,
};
const binding = (binding: Purpose['binding']): Purpose => ({ binding }) as Purpose;

describe('the question of the guarded write', () => {
  const circumstances = { purpose: binding('optional'), redeemKey: 'key', now: NOW };

  test('without evidence asks for none', () =>
    expect(questionOf(proof, {}, circumstances)).toEqual({
      id: link.id,
      app: link.app,
      purpose: link.purpose,
      fingerprint: null,
      challenge: null,
      challengeRequired: false,
      redeemKey: 'key',
      now: NOW,
    }));

  test('with evidence asks for what is stored of it', () => {
    const given = { fingerprint: 'v1', codeVerifier: 'secret' };
    expect(questionOf(proof, given, circumstances)).toMatchObject({
      fingerprint: fingerprintOf(link.id, 'v1'),
      challenge: challengeOf('secret'),
    });
    expect(questionOf(proof, given, { ...circumstances, salt: 'first' }).fingerprint).toBe(
      fingerprintOf('first', 'v1'),
    );
  });

  test.each([
    ['required', false, challengeOf('secret'), true],
    ['required', true, null, false],
    ['optional', false, challengeOf('secret'), false],
    ['none', true, null, false],
  ] as const)('binding %s, the code typed: %s', (policy, bound, challenge, challengeRequired) =>
    expect(
      questionOf({ ...proof, bound }, { codeVerifier: 'secret' }, { ...circumstances, purpose: binding(policy) }),
    ).toMatchObject({ challenge, challengeRequired }),
  );

  test('of a purpose that is gone demands no binding', () =>
    expect(questionOf(proof, {}, { ...circumstances, purpose: undefined }).challengeRequired).toBe(false));
});

describe('what a link has come to', () => {
  test.each([
    [undefined, {}],
    ['link_expired', { expiresAt: NOW }],
    ['link_superseded', { superseded: true }],
    ['link_revoked', { revokedAt: NOW }],
    ['link_redeemed', { redeemedAt: NOW }],
  ])('%s: %j', (code, change) => expect(ended(sampleLink(change), NOW)?.code).toBe(code));

  test('a token may have run out before its link, and the link may say more', () => {
    const late = { ...proof, expired: true };
    expect(endedFor(proof, link, NOW)).toBeUndefined();
    expect(endedFor(late, link, NOW)?.code).toBe('link_expired');
    expect(endedFor(late, sampleLink({ revokedAt: NOW }), NOW)?.code).toBe('link_revoked');
  });
});

describe('why the guarded write said no', () => {
  const bound = { codeChallenge: challengeOf('secret') };
  test.each([
    ['nothing stands in the way', undefined, {}, {}],
    ['it has ended', 'link_expired', { expiresAt: NOW, fingerprint: 'f' }, {}],
    ['another fingerprint', 'fingerprint_mismatch', { fingerprint: 'f', ...bound }, { fingerprint: 'g' }],
    ['no fingerprint where there is one', 'fingerprint_mismatch', { fingerprint: 'f' }, {}],
    ['the same fingerprint', undefined, { fingerprint: 'f' }, { fingerprint: 'f' }],
    ['a fingerprint where there is none', undefined, {}, { fingerprint: 'f' }],
    ['another verifier', 'binding_mismatch', bound, { challenge: challengeOf('guess') }],
    ['the right verifier', undefined, bound, { challenge: challengeOf('secret'), challengeRequired: true }],
    ['no verifier, though one is required', 'binding_mismatch', bound, { challengeRequired: true }],
    ['no verifier, and none is required', undefined, bound, {}],
    ['a verifier where there is no challenge', undefined, {}, { challenge: challengeOf('guess') }],
    ['a link without a challenge, where one is required', undefined, {}, { challengeRequired: true }],
  ])('%s', (_name, code, change, question) => {
    const row = sampleLink(change);
    expect(explain(row, proof, asks(row, { now: NOW, ...question }))?.code).toBe(code);
  });

  test('the token ran out', () =>
    expect(explain(link, { ...proof, expired: true }, asks(link))?.code).toBe('link_expired'));
});

describe('the winner asks again', () => {
  const won = sampleLink({ redeemedAt: NOW, redeemKey: 'key' });
  test.each([
    [true, won, { redeemKey: 'key', now: NOW }],
    [true, won, { redeemKey: 'key', now: NOW + IDEMPOTENCY_LIFETIME - 1 }],
    [false, won, { redeemKey: 'key', now: NOW + IDEMPOTENCY_LIFETIME }],
    [false, won, { redeemKey: 'another', now: NOW }],
    [false, won, { redeemKey: null, now: NOW }],
    [false, sampleLink({ redeemedAt: NOW }), { redeemKey: null, now: NOW }],
    [false, sampleLink({ redeemKey: 'key' }), { redeemKey: 'key', now: NOW }],
  ])('%s (%#)', (replay, row, question) => expect(isReplay(row, asks(row, question))).toBe(replay));

  test('for a day', () => expect(IDEMPOTENCY_LIFETIME).toBe(86_400_000));
});

test.each([
  [null, null, challengeOf('secret')],
  [true, challengeOf('secret'), challengeOf('secret')],
  [false, challengeOf('secret'), challengeOf('guess')],
  [false, challengeOf('secret'), null],
])('the same browser: %s', (same, codeChallenge, challenge) =>
  expect(sameBrowser(sampleLink({ codeChallenge }), asks(link, { challenge }))).toBe(same),
);

test('a code may be typed until the fifth wrong one', () =>
  expect([0, 4, 5, 6].map(isCodeAlive)).toEqual([true, true, false, false]));
