/**
 * Oncelink inside another NestJS application: the public API. README, "Embedding", has an example.
 * Whatever is not exported here may change without notice.
 */
import type { z } from 'zod';
import type { listRequest, mintRequest, notificationRequest, redeemRequest, revokeRequest } from './links/requests.js';

// -- Composing: one module per concern. Storage, mail and links always; HTTP for the API and the confirm page. --

export { StorageModule, type StorageOptions } from './storage/storage.module.js';
export { DataKeys } from './storage/data-keys.js';
export { MailModule, type MailOptions } from './mail/mail.module.js';
export { LinksModule, type LinksOptions } from './links/links.module.js';
export { HttpModule, type HttpOptions } from './http/http.module.js';
export { createFastifyAdapter, prepareHttp } from './http/configure-http.js';
/** What the modules' options are made of. */
export { KeySetError, type Algorithm } from './links/jwk-set.js';
export { readKeyFile, type KeyEvent } from './links/key-file.js';
export { KeyRing } from './links/key-ring.js';
export { parseSender, type Sender } from './mail/mailer.js';
export type { DkimKey } from './mail/dkim.js';
export { createLogger, type Logger, type LogLevel } from './log.js';
export type { Clock } from './clock.js';
/** Thrown at start: every fault of the templates folder, each with its file and line. */
export { TemplatesError } from './mail/template-fault.js';

// -- Issuing and redeeming: inject `Links`. --

export { Links, type Minted, type Redeemed } from './links/links.service.js';
/** Mails without a link: `send` one after a password was changed. */
export { Notifications } from './links/notifications.js';
/** What their methods take. They validate it themselves and refuse what they do not know. */
export type MintInput = z.input<typeof mintRequest>;
export type RedeemInput = z.input<typeof redeemRequest>;
export type RevokeInput = z.input<typeof revokeRequest>;
export type NotificationInput = z.input<typeof notificationRequest>;
export type ListInput = z.input<typeof listRequest>;
export { Messages, type Bounced } from './links/messages.service.js';
/** Mails in the background by itself; inject it only to run it by hand (`LinksOptions.courier: false`). */
export { Courier } from './links/courier.js';
/** The mails of development: what was "sent" while no relay is configured. */
export { Inbox, type StoredMail } from './mail/inbox.js';
/** Makes and checks API keys, for those who serve the HTTP API. */
export { ApiKeys, type Caller, type KeyLimits } from './apps/api-keys.js';

// -- Refusals: `Links` throws one of these instead of answering no; `code` is stable. --

export {
  Refusal,
  RequestInvalid,
  NotFound,
  TokenInvalid,
  CodeIncorrect,
  CodeExhausted,
  LinkExpired,
  LinkRedeemed,
  LinkRevoked,
  LinkSuperseded,
  FingerprintMismatch,
  BindingMismatch,
  RedirectUriNotAllowed,
  IdempotencyMismatch,
  RateLimited,
  Unavailable,
  type FieldError,
  type RefusalCode,
} from './links/errors.js';
/** Each code's HTTP status and title. */
export { PROBLEMS, type ProblemCode } from './http/problems.js';

// -- Extending: provide these tokens instead of `StorageModule` to keep links and apps elsewhere. --

export {
  LINK_STORE,
  type LinkFilter,
  type LinkStore,
  type MintGuard,
  type CountedBy,
  type RecipientKeys,
  type Fillings,
  type Redemption,
  type Settlement,
  type Window,
} from './links/link-store.js';
export { MESSAGE_STORE, type MessageFilter, type MessageStore, type Suppression } from './links/message-store.js';
export { APP_STORE, SCOPES, type App, type AppStore, type Scope, type StoredApiKey } from './apps/app.js';

// -- The values that go in and out. --

export type {
  Attempt,
  Delivery,
  DeliveryStatus,
  DeliveryView,
  JsonObject,
  Link,
  LinkStatus,
  LinkView,
  Message,
  Scalars,
} from './links/link.js';
export { PURPOSES } from './links/links.module.js';
export type { AnyPurpose, NotificationPurpose, Purpose, PurposeLimits, Quota, Variable } from './links/purpose.js';
export type { SharedLimits } from './links/limits.js';
