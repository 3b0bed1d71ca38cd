import type { App } from '../apps/app.js';
import { canonicalJson, digest, fingerprintOf } from './digest.js';
import { RedirectUriNotAllowed, RequestInvalid, type FieldError } from './errors.js';
import { expiryOf, type Delivery, type Link } from './link.js';
import { templateDataFaults, type AnyPurpose, type NotificationPurpose, type Purpose } from './purpose.js';
import { addressKey, parseRecipient, recipientKey } from './recipient.js';
import type { MintRequest, NotificationRequest } from './requests.js';

interface Circumstances {
  readonly id: string;
  readonly now: number;
  readonly idempotencyKey: string | undefined;
}

/**
 * The link that a request asks for, judged by the purpose's policy and the app's registration.
 * @throws RequestInvalid with every fault, RedirectUriNotAllowed
 */
export function draftLink(
  app: App,
  purpose: Purpose,
  request: MintRequest,
  { id, now, idempotencyKey }: Circumstances,
): Link {
  const { recipient, locale, faults } = readMail(purpose, request);
  const expiresIn = request.expiresIn ?? purpose.expiresIn.default;
  faults.push(...faultsOfLink(purpose, request, expiresIn));
  if (faults.length > 0) throw new RequestInvalid(faults);
  return begin(app, request, {
    id,
    now,
    idempotencyKey,
    recipient,
    locale,
    scope: 'mint',
    kind: 'link',
    via: request.delivery,
    decoy: request.decoy,
    supersedes: purpose.reissue === 'supersede',
    data: request.data,
    redirectUri: redirectUriOf(app, purpose, request),
    fingerprint: request.fingerprint === undefined ? null : fingerprintOf(id, request.fingerprint),
    codeChallenge: request.codeChallenge ?? null,
    expiresIn,
    delivery: deliveryOf(request, queued(now, purpose)),
  });
}

/**
 * The mail without a link that a request asks for. There is nothing in it to live on: its life ends as it begins.
 * @throws RequestInvalid with every fault
 */
export function draftNotification(
  app: App,
  purpose: NotificationPurpose,
  request: NotificationRequest,
  { id, now, idempotencyKey }: Circumstances,
): Link {
  const { recipient, locale, faults } = readMail(purpose, request);
  if (faults.length > 0) throw new RequestInvalid(faults);
  return begin(app, request, {
    id,
    now,
    idempotencyKey,
    recipient,
    locale,
    scope: 'notify',
    kind: 'notification',
    via: 'email',
    decoy: false,
    supersedes: false,
    data: {},
    redirectUri: null,
    fingerprint: null,
    codeChallenge: null,
    expiresIn: 0,
    delivery: queued(now, purpose),
  });
}

/** The same link once more, for somebody whose own has run out: mailed to the same recipient, with a life of its own. */
export function draftRenewal(link: Link, purpose: Purpose, { id, now }: Pick<Circumstances, 'id' | 'now'>): Link {
  return {
    ...link,
    id,
    renews: link.renews ?? link.id,
    idempotencyKey: null,
    requestDigest: null,
    createdAt: now,
    issuedAt: now,
    expiresAt: expiryOf(now, link.expiresIn),
    redeemedAt: null,
    redeemKey: null,
    revokedAt: null,
    closedAt: null,
    openedAt: null,
    reportedAt: null,
    codeAttempts: 0,
    superseded: false,
    delivery: queued(now, purpose),
  };
}

type Own =
  'kind' | 'via' | 'decoy' | 'supersedes' | 'data' | 'redirectUri' | 'fingerprint' | 'codeChallenge' | 'expiresIn';

/**
 * A row at its beginning: nothing has happened to it yet. One literal with every member: objects of this size that are
 * put together by spreading take a hundred times as long.
 */
function begin(
  app: App,
  request: MintRequest | NotificationRequest,
  own: Circumstances & Mailing & Pick<Link, Own | 'delivery'> & { scope: 'mint' | 'notify' },
): Link {
  const { idempotencyKey, recipient, now } = own;
  return {
    id: own.id,
    kind: own.kind,
    app: app.id,
    purpose: request.purpose,
    subject: request.subject,
    recipient,
    recipientKey: recipientKey(recipient),
    addressKey: addressKey(recipient),
    locale: own.locale,
    via: own.via,
    decoy: own.decoy,
    supersedes: own.supersedes,
    data: own.data,
    templateData: request.templateData,
    redirectUri: own.redirectUri,
    renews: null,
    fingerprint: own.fingerprint,
    codeChallenge: own.codeChallenge,
    idempotencyKey: idempotencyKey === undefined ? null : digest(own.scope, app.id, idempotencyKey),
    requestDigest: idempotencyKey === undefined ? null : digest('body', canonicalJson(request)),
    createdAt: now,
    expiresIn: own.expiresIn,
    issuedAt: now,
    expiresAt: expiryOf(now, own.expiresIn),
    redeemedAt: null,
    redeemKey: null,
    revokedAt: null,
    closedAt: null,
    openedAt: null,
    reportedAt: null,
    codeAttempts: 0,
    superseded: false,
    delivery: own.delivery,
  };
}

const NOT_MAILED: Delivery = {
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

function queued(now: number, { deliverWithin }: AnyPurpose): Delivery {
  return { ...NOT_MAILED, status: 'queued', dueAt: now, deliverBy: now + deliverWithin * 1000 };
}

/** A decoy is due like any link, so that it takes as long to write and wakes the courier, who then lets it go. */
function deliveryOf({ delivery, decoy }: MintRequest, mail: Delivery): Delivery {
  if (delivery !== 'email') return NOT_MAILED;
  return decoy ? { ...mail, status: 'none' } : mail;
}

/** The link of a recipient who gets no mail. */
export function asSuppressed(link: Link): Link {
  return { ...link, delivery: { ...link.delivery, status: 'suppressed', dueAt: null } };
}

/** The link as its first answer showed it: everything that happened later is computed away. */
export function asDrafted(link: Link): Link {
  if (link.delivery.status === 'suppressed' && link.delivery.attempts === 0) return asSuppressed(link);
  const mailed = link.via === 'email';
  return {
    ...link,
    issuedAt: link.createdAt,
    expiresAt: expiryOf(link.createdAt, link.expiresIn),
    redeemedAt: null,
    revokedAt: null,
    closedAt: null,
    openedAt: null,
    reportedAt: null,
    superseded: false,
    delivery: {
      ...link.delivery,
      status: mailed && !link.decoy ? 'queued' : 'none',
      attempts: 0,
      dueAt: mailed ? link.createdAt : null,
      sentAt: null,
      lastError: null,
    },
  };
}

interface Mailing {
  readonly recipient: string;
  readonly locale: string;
}

/** To whom and in which language; with faults, not to be used. */
function readMail(
  purpose: AnyPurpose,
  request: Pick<MintRequest, 'recipient' | 'locale' | 'templateData'>,
): Mailing & { faults: FieldError[] } {
  const recipient = parseRecipient(request.recipient);
  const locale = request.locale === undefined ? 'en' : canonicalLocale(request.locale);
  const faults: FieldError[] = [];
  if (!recipient)
    faults.push({ pointer: '/recipient', detail: 'must be one plain mailbox address, like ann@example.com' });
  if (!locale) faults.push({ pointer: '/locale', detail: 'must be a BCP 47 language tag, like en or pt-BR' });
  for (const [name, detail] of templateDataFaults(purpose, request.templateData)) {
    faults.push({ pointer: name === '' ? '/templateData' : `/templateData/${name}`, detail });
  }
  return { recipient: recipient!, locale: locale!, faults };
}

function faultsOfLink(purpose: Purpose, request: MintRequest, expiresIn: number): FieldError[] {
  const { min, max } = purpose.expiresIn;
  const faults: FieldError[] = [];
  const fault = (pointer: string, detail: string): void => void faults.push({ pointer, detail });
  if (expiresIn < min || expiresIn > max) fault('/expiresIn', `must be from ${min} to ${max} seconds for this purpose`);
  if (purpose.binding === 'required' && !request.codeChallenge) fault('/codeChallenge', 'is required by this purpose');
  if (purpose.binding === 'none' && request.codeChallenge)
    fault('/codeChallenge', 'is not used by this purpose (binding: none)');
  return faults;
}

/** A purpose that lands on the app's own page needs one; for any other, none means the app's first, decided when it is used. */
function redirectUriOf(app: App, purpose: Purpose, request: MintRequest): string | null {
  const uri = request.redirectUri ?? (purpose.landing === 'app' ? app.redirectUris[0] : undefined);
  if (uri === undefined && purpose.landing === 'hosted') return null;
  if (uri === undefined || !app.redirectUris.includes(uri)) throw new RedirectUriNotAllowed();
  return uri;
}

function canonicalLocale(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}
