import { canonicalJson, digest, fingerprintOf } from '../../src/links/digest.js';
import { asDrafted, asSuppressed, draftLink, draftNotification, draftRenewal } from '../../src/links/draft.js';
import { RedirectUriNotAllowed, RequestInvalid } from '../../src/links/errors.js';
import type { NotificationPurpose, Purpose } from '../../src/links/purpose.js';
import { addressKey, recipientKey } from '../../src/links/recipient.js';
import type { MintRequest } from '../../src/links/requests.js';
import { mailed, NOW, sampleLink } from '../../src/testing/exam-tools.js';

const APP = {
  id: 'shop',
  name: 'Shop',
  redirectUris: ['https://shop.example.com/a', 'https://shop.example.com/b'],
};
const RESET = {
  name: 'password-reset',
  kind: 'link',
  expiresIn: { default: 600, min: 10, max: 3600 },
  deliverWithin: 120,
  reissue: 'supersede',
  landing: 'hosted',
  binding: 'optional',
  templateData: { name: { type: 'string', required: false } },
} as unknown as Purpose;
const NOTICE = {
  name: 'notice',
  kind: 'notification',
  deliverWithin: 60,
  templateData: {},
} as never as NotificationPurpose;
const REQUEST: MintRequest = {
  purpose: 'password-reset',
  recipient: 'Ann+x@Example.com',
  subject: 'user_42',
  delivery: 'email',
  data: { plan: 'pro' },
  templateData: { name: 'Ann' },
  decoy: false,
};
const CIRCUMSTANCES = { id: 'id-1', now: NOW + 999, idempotencyKey: undefined };
const draft = (change: Partial<MintRequest> = {}, purpose: Partial<Purpose> = {}, idempotencyKey?: string) =>
  draftLink(APP, { ...RESET, ...purpose }, { ...REQUEST, ...change }, { ...CIRCUMSTANCES, idempotencyKey });
const faults = (change: Partial<MintRequest>, purpose?: Partial<Purpose>): string[] => {
  try {
    draft(change, purpose);
    return [];
  } catch (error) {
    if (error instanceof RequestInvalid) return error.errors.map(({ pointer }) => pointer);
    throw error;
  }
};

const NOT_MAILED = {
  status: 'none',
  attempts: 0,
  dueAt: null,
  deliverBy: null,
  lease: null,
  sentAt: null,
  lastError: null,
  resends: 0,
  resentAt: null,
};
const QUEUED = { ...NOT_MAILED, status: 'queued', dueAt: NOW + 999, deliverBy: NOW + 120_999 };
const UNTOUCHED = {
  redeemedAt: null,
  redeemKey: null,
  revokedAt: null,
  closedAt: null,
  openedAt: null,
  reportedAt: null,
  codeAttempts: 0,
  superseded: false,
};
const ROW = {
  id: 'id-1',
  app: 'shop',
  purpose: 'password-reset',
  subject: 'user_42',
  recipient: 'Ann+x@example.com',
  recipientKey: recipientKey('ann@example.com'),
  addressKey: addressKey('ann+x@example.com'),
  locale: 'en',
  templateData: { name: 'Ann' },
  idempotencyKey: null,
  requestDigest: null,
  createdAt: NOW + 999,
  issuedAt: NOW + 999,
  renews: null,
  ...UNTOUCHED,
};

describe('a link', () => {
  test('is the row that the request asks for', () =>
    expect(draft()).toEqual({
      ...ROW,
      kind: 'link',
      via: 'email',
      decoy: false,
      supersedes: true,
      data: { plan: 'pro' },
      redirectUri: null,
      fingerprint: null,
      codeChallenge: null,
      expiresIn: 600,
      expiresAt: NOW + 600_000,
      delivery: QUEUED,
    }));

  test('with all that may be asked for', () =>
    expect(
      draft({
        locale: 'pt-br',
        expiresIn: 3600,
        redirectUri: APP.redirectUris[1],
        fingerprint: 'v1',
        codeChallenge: 'challenge',
        delivery: 'return',
      }),
    ).toMatchObject({
      locale: 'pt-BR',
      expiresIn: 3600,
      expiresAt: NOW + 3_600_000,
      redirectUri: APP.redirectUris[1],
      fingerprint: fingerprintOf('id-1', 'v1'),
      codeChallenge: 'challenge',
      via: 'return',
      delivery: NOT_MAILED,
    }));

  test('that is a decoy is due like any other, without a mail, and supersedes as any other, though only decoys', () =>
    expect(draft({ decoy: true })).toMatchObject({
      decoy: true,
      via: 'email',
      supersedes: true,
      delivery: { ...QUEUED, status: 'none' },
    }));

  test('that is a decoy and returned is not due', () =>
    expect(draft({ decoy: true, delivery: 'return' }).delivery).toEqual(NOT_MAILED));

  test('of a purpose that keeps what there is supersedes nothing', () =>
    expect(draft({}, { reissue: 'keep' }).supersedes).toBe(false));

  test('remembers an Idempotency-Key and the body it came with, for this app', () =>
    expect(draft({}, {}, 'key')).toMatchObject({
      idempotencyKey: digest('mint', 'shop', 'key'),
      requestDigest: digest('body', canonicalJson(REQUEST)),
    }));
});

describe('a link is refused', () => {
  test.each<[string[], Partial<MintRequest>, Partial<Purpose>]>([
    [['/recipient'], { recipient: 'ann@' }, {}],
    [['/locale'], { locale: 'not a language' }, {}],
    [['/templateData'], { templateData: { unknown: 'x' } }, {}],
    [['/templateData/name'], { templateData: { name: 7 } }, {}],
    [['/expiresIn'], { expiresIn: 9 }, {}],
    [['/expiresIn'], { expiresIn: 3601 }, {}],
    [['/codeChallenge'], {}, { binding: 'required' }],
    [['/codeChallenge'], { codeChallenge: 'c' }, { binding: 'none' }],
    [['/recipient', '/locale', '/expiresIn'], { recipient: 'x', locale: '!', expiresIn: 1 }, {}],
    [[], { expiresIn: 10 }, {}],
    [[], { expiresIn: 3600 }, {}],
    [[], { codeChallenge: 'c' }, { binding: 'required' }],
    [[], {}, { binding: 'none' }],
  ])('at %j (%#)', (pointers, change, purpose) => expect(faults(change, purpose)).toEqual(pointers));
});

describe('where a link leads', () => {
  const [first, second] = APP.redirectUris;
  test.each<[string | null, string | undefined, Purpose['landing']]>([
    [null, undefined, 'hosted'],
    [second!, second, 'hosted'],
    [first!, undefined, 'app'],
    [second!, second, 'app'],
  ])('%s', (uri, redirectUri, landing) => expect(draft({ redirectUri }, { landing }).redirectUri).toBe(uri));

  test('is nowhere but where the app said', () => {
    for (const landing of ['hosted', 'app'] as const)
      expect(() => draft({ redirectUri: 'https://evil.example/' }, { landing })).toThrow(RedirectUriNotAllowed);
    expect(() => draftLink({ ...APP, redirectUris: [] }, { ...RESET, landing: 'app' }, REQUEST, CIRCUMSTANCES)).toThrow(
      RedirectUriNotAllowed,
    );
  });
});

test('a notification is a mail whose life ends as it begins', () => {
  const request = { purpose: 'notice', recipient: 'ann@example.com', subject: 'user_42', templateData: {} };
  const row = draftNotification(APP, NOTICE, request, { ...CIRCUMSTANCES, idempotencyKey: 'key' });
  expect(row).toEqual({
    ...ROW,
    purpose: 'notice',
    recipient: 'ann@example.com',
    addressKey: null,
    templateData: {},
    idempotencyKey: digest('notify', 'shop', 'key'),
    requestDigest: digest('body', canonicalJson(request)),
    kind: 'notification',
    via: 'email',
    decoy: false,
    supersedes: false,
    data: {},
    redirectUri: null,
    fingerprint: null,
    codeChallenge: null,
    expiresIn: 0,
    expiresAt: NOW,
    delivery: { ...QUEUED, deliverBy: NOW + 60_999 },
  });
  expect(() => draftNotification(APP, NOTICE, { ...request, recipient: 'x' }, CIRCUMSTANCES)).toThrow(RequestInvalid);
});

test('a renewal is the same link with a life of its own, and knows which one the app minted', () => {
  const old = mailed({
    ...UNTOUCHED,
    superseded: true,
    openedAt: NOW,
    codeAttempts: 5,
    fingerprint: 'f',
    idempotencyKey: 'k',
    requestDigest: 'd',
    delivery: { status: 'sent', attempts: 3, sentAt: NOW, resends: 2 },
  });
  const later = NOW + 7_000_999;
  const renewed = draftRenewal(old, RESET, { id: 'id-2', now: later });
  expect(renewed).toEqual({
    ...old,
    ...UNTOUCHED,
    id: 'id-2',
    renews: old.id,
    idempotencyKey: null,
    requestDigest: null,
    createdAt: later,
    issuedAt: later,
    expiresAt: NOW + 7_600_000,
    delivery: { ...QUEUED, dueAt: later, deliverBy: later + 120_000 },
  });
  expect(draftRenewal(renewed, RESET, { id: 'id-3', now: later }).renews).toBe(old.id);
});

describe('the first answer, given again', () => {
  const later = {
    issuedAt: NOW + 5000,
    expiresAt: NOW + 605_000,
    redeemedAt: NOW + 1,
    revokedAt: NOW + 2,
    openedAt: NOW + 3,
    reportedAt: NOW + 4,
    superseded: true,
  };
  const first = { redeemedAt: null, revokedAt: null, openedAt: null, reportedAt: null, superseded: false };
  const sent = { status: 'sent', attempts: 2, dueAt: null, sentAt: NOW + 9, lastError: 'slow' } as const;

  test('shows a mail that waits', () =>
    expect(asDrafted(mailed({ ...later, delivery: sent }))).toMatchObject({
      ...first,
      issuedAt: NOW,
      expiresAt: NOW + 600_000,
      delivery: { status: 'queued', attempts: 0, dueAt: NOW, sentAt: null, lastError: null },
    }));

  test.each([
    ['returned', sampleLink(later), null],
    ['a decoy', mailed({ ...later, decoy: true, delivery: sent }), NOW],
  ])('shows no mail for what is %s', (_name, link, dueAt) =>
    expect(asDrafted(link)).toMatchObject({ ...first, delivery: { status: 'none', attempts: 0, dueAt } }),
  );

  test('shows that the recipient gets no mail, unless that came later', () => {
    const suppressed = mailed({ delivery: { status: 'suppressed', dueAt: NOW } });
    expect(asDrafted(suppressed)).toEqual({ ...suppressed, delivery: { ...suppressed.delivery, dueAt: null } });
    const tried = mailed({ delivery: { status: 'suppressed', attempts: 1, dueAt: null } });
    expect(asDrafted(tried).delivery).toMatchObject({ status: 'queued', dueAt: NOW });
  });
});

test('for a recipient who gets no mail, nothing is due', () => {
  const link = mailed();
  expect(asSuppressed(link)).toEqual({ ...link, delivery: { ...link.delivery, status: 'suppressed', dueAt: null } });
});
