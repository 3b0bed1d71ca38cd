import { z } from 'zod';
import { RequestInvalid, type Refusal } from './errors.js';
import { DELIVERY_STATUSES } from './link.js';
import { PURPOSE_NAME } from './purpose-schema.js';
import { isClientAddress } from './recipient.js';

/** No spaces, controls, bidi overrides, unassigned or lone surrogate code points. */
const PRINTABLE = /^[^\p{C}\p{Z}]+$/u;
/** 32 bytes in their only spelling: the last character holds two bits that mean nothing, and a digest has none there. */
const BASE64URL_SHA256 = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const MAX_DATA_BYTES = 4096;

const purpose = z.string().min(1).max(40).describe('a configured purpose, e.g. password-reset');
/** One that is asked of the store, and need not be configured any more. */
const nameOfPurpose = purpose.regex(PURPOSE_NAME, 'must be the name of a purpose, like password-reset');
const subject = z
  .string()
  .min(1)
  .max(128)
  .regex(PRINTABLE, 'must be 1 to 128 printable characters without spaces')
  .describe("the app's own opaque id of its user");
const NO_ADDRESS = 'must be one plain mailbox address, like ann@example.com';
const recipient = z.string().min(3, NO_ADDRESS).max(254, NO_ADDRESS).describe('one plain mailbox address');
const fingerprint = z
  .string()
  .min(1)
  .max(256)
  .describe('the state the link depends on, e.g. the version of the password hash');

const scalar = z.union([
  z
    .string()
    .max(200)
    // Handed to a mail: nothing that could break a line, hide or reverse text.
    .regex(
      /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u,
      'must be one line of at most 200 characters without control characters',
    ),
  z.number(),
  z.boolean(),
  z.null(),
]);

const templateData = z
  .record(z.string(), scalar)
  .default({})
  .describe("the mail's variables, as the purpose declares them");

/** `POST /v1/links` */
export const mintRequest = z
  .strictObject({
    purpose,
    recipient,
    subject,
    locale: z.string().min(2).max(35).optional().describe('BCP 47; the language of the mail and the pages, default en'),
    delivery: z
      .enum(['email', 'return'])
      .default('email')
      .describe('mail the link, or return it to the caller this once'),
    expiresIn: z.int().min(1).optional().describe("seconds, within the purpose's bounds"),
    redirectUri: z.string().max(2048).optional().describe("exactly one of the app's redirect URIs"),
    data: z
      .record(z.string(), z.unknown())
      .refine(isExact, 'has a number too large to be kept exactly; send it as text')
      .refine((data) => Buffer.byteLength(JSON.stringify(data)) <= MAX_DATA_BYTES, 'must be at most 4 KiB of JSON')
      .default({})
      .describe('handed back at redemption, at most 4 KiB'),
    templateData,
    fingerprint: fingerprint.optional(),
    codeChallenge: z
      .string()
      .regex(BASE64URL_SHA256, 'must be a base64url SHA-256 (43 characters)')
      .optional()
      .describe('SHA-256 of a secret the requesting browser keeps (RFC 7636 S256)'),
    clientIp: z
      .string()
      .max(45)
      .refine(isClientAddress, 'must be an IPv4 or IPv6 address')
      .optional()
      .describe('the address of whoever asks, for the limits per client'),
    decoy: z.boolean().default(false).describe('for an address nobody owns: same work, no mail, never redeemable'),
  })
  .meta({ id: 'MintRequest' });
export type MintRequest = z.infer<typeof mintRequest>;

/** `POST /v1/notifications` */
export const notificationRequest = z
  .strictObject({
    purpose: z.string().min(1).max(40).describe('a configured notification, e.g. password-changed'),
    recipient,
    subject,
    locale: z.string().min(2).max(35).optional().describe('BCP 47; the language of the mail, default en'),
    templateData,
  })
  .meta({ id: 'NotificationRequest' });
export type NotificationRequest = z.infer<typeof notificationRequest>;

const evidence = {
  // Of whatever length: what is malformed is refused by the gate, with the one answer for all.
  token: z.string().min(1).optional().describe("the link's token"),
  code: z.string().min(1).optional().describe('the code the confirm page handed over'),
  purpose,
  fingerprint: fingerprint.optional(),
  codeVerifier: z.string().min(1).max(256).optional().describe('the secret whose SHA-256 was the codeChallenge'),
};

/** `POST /v1/links/inspect`. No one-time code: looking has no effect, and guesses must be counted. */
export const inspectRequest = z
  .strictObject(evidence)
  .refine((body) => (body.token === undefined) !== (body.code === undefined), 'needs either token or code')
  .meta({ id: 'InspectRequest' });
export type InspectRequest = z.infer<typeof inspectRequest>;

/** `POST /v1/links/redeem` */
export const redeemRequest = z
  .strictObject({
    ...evidence,
    id: z.string().min(1).max(64).optional().describe("the link's id, with oneTimeCode"),
    oneTimeCode: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('what a person typed; case, spaces and dashes as they come'),
  })
  .refine(
    ({ token, code, id, oneTimeCode }) =>
      [token, code, id].filter((one) => one !== undefined).length === 1 &&
      (id === undefined) === (oneTimeCode === undefined),
    'needs either token, or code, or id and oneTimeCode',
  )
  .meta({ id: 'RedeemRequest' });
export type RedeemRequest = z.infer<typeof redeemRequest>;

/** `POST /v1/links/revoke` */
export const revokeRequest = z
  .strictObject({ subject: subject.optional(), recipient: recipient.optional(), purpose: nameOfPurpose.optional() })
  .refine((body) => body.subject !== undefined || body.recipient !== undefined, 'needs subject or recipient')
  .meta({ id: 'RevokeRequest' });
export type RevokeRequest = z.infer<typeof revokeRequest>;

const limit = z
  .string()
  .regex(/^(?:[1-9]\d?|1\d\d|200)$/, 'must be a whole number from 1 to 200')
  .transform(Number)
  .optional()
  .describe('1 to 200, default 50');
const cursor = (form: RegExp) =>
  z.string().regex(form, 'must be a nextCursor').optional().describe('nextCursor of the page before');
const LINK_ID = /^[A-Za-z0-9_-]{30}$/;

/**
 * For an id that a caller gave, before the store is asked: what has not its form is nobody's, and PostgreSQL does not
 * even take every text. @throws the refusal
 */
export function requireId(id: string, otherwise: Refusal): void {
  if (!LINK_ID.test(id)) throw otherwise;
}

/** `GET /v1/links`: every value is text, as queries are */
export const listRequest = z
  .strictObject({
    subject: subject.optional(),
    recipient: recipient.optional(),
    purpose: nameOfPurpose.optional(),
    status: z.enum(['active', 'redeemed', 'expired', 'revoked', 'superseded']).optional(),
    limit,
    cursor: cursor(LINK_ID),
  })
  .meta({ id: 'ListRequest' });
export type ListRequest = z.infer<typeof listRequest>;

/** `GET /v1/messages` */
export const listMessagesRequest = z
  .strictObject({
    status: z.enum(DELIVERY_STATUSES).exclude(['none']).optional(),
    recipient: recipient.optional(),
    limit,
    cursor: cursor(LINK_ID),
  })
  .meta({ id: 'ListMessagesRequest' });

/** `GET /v1/suppressions` */
export const listSuppressionsRequest = z
  .strictObject({
    recipient: recipient.optional(),
    limit,
    cursor: cursor(/^[A-Za-z0-9_-]{22}\.(?:\*|[a-z0-9-]{1,40})$/),
  })
  .meta({ id: 'ListSuppressionsRequest' });

/** `POST /v1/bounces` */
export const bounceRequest = z
  .strictObject({
    recipient,
    kind: z
      .enum(['hard', 'soft', 'complaint'])
      .describe('hard: no such mailbox; complaint: reported as spam; soft: will pass, only noted'),
    messageId: z
      .string()
      .min(1)
      .max(320)
      .optional()
      .describe('the Message-ID of the mail, or the id of the message; an unknown one is ignored'),
  })
  .meta({ id: 'BounceRequest' });

/** RFC 8259 section 6: 9007199254740993 would come back as another user's number, and 1e400 as nothing at all. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return typeof value !== 'object' || value === null || Object.values(value).every(isExact);
}

/** Compiled when it is first used: plain, zod would walk the schema anew for every input. */
const compiled = new WeakMap<z.ZodType, z.ZodType>();

function compiledOf<Schema extends z.ZodType>(schema: Schema): Schema {
  let fast = compiled.get(schema) as Schema | undefined;
  if (!fast) compiled.set(schema, (fast = z.compile(schema)));
  return fast;
}

/**
 * Parses strictly: unknown members and wrong types are refused, never coerced.
 * Names and values of the input are not echoed; the pointer of an unknown member is its parent's.
 * @throws RequestInvalid with every fault
 */
export function parseRequest<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const parsed = compiledOf(schema).safeParse(input, { error: inWords });
  if (parsed.success) return parsed.data;
  throw new RequestInvalid(
    parsed.error.issues.map((issue) => ({
      pointer: issue.code === 'unrecognized_keys' ? pointerOf(issue.path) : pointerOf(issue.path.slice(0, 1)),
      detail: detailOf(issue, schema),
    })),
  );
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function detailOf(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code === 'unrecognized_keys') {
    const shape = issue.path.length === 0 && 'shape' in schema ? Object.keys(schema.shape as object) : [];
    return `has a member that is not known here${shape.length > 0 ? `; it takes ${shape.join(', ')}` : ''}`;
  }
  return issue.message;
}

/** What is expected, where the schema does not say it itself. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  const missing = issue.input === undefined;
  if (issue.code === 'invalid_type')
    return `${missing ? 'is required' : 'has the wrong type'}: expected ${issue.expected}`;
  if (issue.code === 'invalid_value')
    return `${missing ? 'is required: expected one of' : 'must be one of'} ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_union')
    return 'must be a string of one line and at most 200 characters, a number, a boolean or null';
  return undefined;
};
