import type { App } from '../apps/app.js';
import { canonicalJson, digest, fingerprintOf } from './digest.js';
import { RedirectUriNotAllowed, RequestInvalid, type FieldError } from './errors.js';
import { expiryOf, type Link } from './link.js';
import { templateDataFaults, type Purpose } from './purpose.js';
import { addressKey, parseRecipient, recipientKey } from './recipient.js';
import type { MintRequest } from './requests.js';

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
  const recipient = parseRecipient(request.recipient);
  const locale = canonicalLocale(request.locale ?? 'en');
  const expiresIn = request.expiresIn ?? purpose.expiresIn.default;
  const faults = faultsOf(purpose, request, { recipient, locale, expiresIn });
  if (faults.length > 0) throw new RequestInvalid(faults);
  const mailed = request.delivery === 'email' && !request.decoy;
  return {
    id,
    app: app.id,
    purpose: purpose.name,
    subject: request.subject,
    recipient: recipient!,
    recipientKey: recipientKey(recipient!),
    addressKey: addressKey(recipient!),
    locale: locale!,
    via: request.delivery,
    decoy: request.decoy,
    supersedes: purpose.reissue === 'supersede' && !request.decoy,
    data: request.data,
    templateData: request.templateData,
    redirectUri: redirectUriOf(app, purpose, request),
    fingerprint: request.fingerprint === undefined ? null : fingerprintOf(id, request.fingerprint),
    codeChallenge: request.codeChallenge ?? null,
    idempotencyKey: idempotencyKey === undefined ? null : digest('mint', app.id, idempotencyKey),
    requestDigest: idempotencyKey === undefined ? null : digest('body', canonicalJson(request)),
    createdAt: now,
    expiresIn,
    issuedAt: now,
    expiresAt: expiryOf(now, expiresIn),
    redeemedAt: null,
    redeemKey: null,
    revokedAt: null,
    openedAt: null,
    codeAttempts: 0,
    superseded: false,
    delivery: {
      status: mailed ? 'queued' : 'none',
      attempts: 0,
      dueAt: mailed ? now : null,
      deliverBy: mailed ? now + purpose.deliverWithin * 1000 : null,
      lease: null,
      sentAt: null,
      lastError: null,
      resends: 0,
    },
  };
}

/** The link of a recipient who gets no mail. */
export function asSuppressed(link: Link): Link {
  return { ...link, delivery: { ...link.delivery, status: 'suppressed', dueAt: null } };
}

/** The link as its first answer showed it: everything that happened later is computed away. */
export function asDrafted(link: Link): Link {
  if (link.delivery.status === 'suppressed' && link.delivery.attempts === 0) return asSuppressed(link);
  const mailed = link.via === 'email' && !link.decoy;
  return {
    ...link,
    issuedAt: link.createdAt,
    expiresAt: expiryOf(link.createdAt, link.expiresIn),
    redeemedAt: null,
    revokedAt: null,
    openedAt: null,
    superseded: false,
    delivery: {
      ...link.delivery,
      status: mailed ? 'queued' : 'none',
      attempts: 0,
      dueAt: mailed ? link.createdAt : null,
      sentAt: null,
      lastError: null,
    },
  };
}

function faultsOf(
  purpose: Purpose,
  request: MintRequest,
  read: { recipient: string | undefined; locale: string | undefined; expiresIn: number },
): FieldError[] {
  const { min, max } = purpose.expiresIn;
  const faults: FieldError[] = [];
  const fault = (pointer: string, detail: string): void => void faults.push({ pointer, detail });
  if (!read.recipient) fault('/recipient', 'must be one plain mailbox address, like ann@example.com');
  if (!read.locale) fault('/locale', 'must be a BCP 47 language tag, like en or pt-BR');
  if (read.expiresIn < min || read.expiresIn > max)
    fault('/expiresIn', `must be from ${min} to ${max} seconds for this purpose`);
  if (purpose.binding === 'required' && !request.codeChallenge) fault('/codeChallenge', 'is required by this purpose');
  if (purpose.binding === 'none' && request.codeChallenge)
    fault('/codeChallenge', 'is not used by this purpose (binding: none)');
  for (const [name, detail] of templateDataFaults(purpose, request.templateData)) {
    fault(name === '' ? '/templateData' : `/templateData/${name}`, detail);
  }
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
