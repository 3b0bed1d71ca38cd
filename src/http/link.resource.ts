import { z } from 'zod';
import type { Minted } from '../links/links.service.js';
import { DELIVERY_STATUSES, statusOf, type LinkView } from '../links/link.js';
import { PROBLEMS, type ProblemCode } from './problems.js';

export const time = z.iso.datetime().describe('RFC 3339, UTC');
export const nextCursor = z
  .string()
  .nullable()
  .describe('the cursor of the next page; null at the end. Until then a page may be short, or even empty, too');

/** The link as the API shows it. */
export const linkResource = z
  .object({
    id: z.string().describe("= the token's jti"),
    app: z.string(),
    purpose: z.string(),
    subject: z.string(),
    recipient: z.string().nullable(),
    status: z.enum(['active', 'redeemed', 'expired', 'revoked', 'superseded']),
    createdAt: time,
    expiresAt: time,
    redeemedAt: time.nullable(),
    revokedAt: time.nullable(),
    openedAt: time.nullable().describe('when the confirm page was first shown'),
    reportedAt: time.optional().describe('when the recipient said "this was not me", if so'),
    renews: z.string().optional().describe('the link in whose place somebody asked for this one on its page, if so'),
    locale: z.string(),
    redirectUri: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
    delivery: z.object({
      status: z.enum(DELIVERY_STATUSES),
      attempts: z.int(),
      sentAt: time.nullable(),
      lastError: z.string().nullable(),
    }),
  })
  .meta({ id: 'Link' });
export type LinkResource = z.infer<typeof linkResource>;

export const mintedResource = linkResource
  .extend({
    url: z.string().optional().describe('only for delivery: return, this once'),
    token: z.string().optional().describe('only for delivery: return, this once'),
    oneTimeCode: z
      .string()
      .optional()
      .describe('to show where the link was asked for (oneTimeCode: screen), or for your own mail; this once'),
  })
  .meta({ id: 'MintedLink' });
export type MintedResource = z.infer<typeof mintedResource>;

/** Every refusal (RFC 9457). */
export const problemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  instance: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});

export function toResource(link: LinkView, now: number): LinkResource {
  const { delivery } = link;
  return {
    id: link.id,
    app: link.app,
    purpose: link.purpose,
    subject: link.subject,
    recipient: link.recipient,
    status: statusOf(link, now),
    createdAt: iso(link.createdAt)!,
    expiresAt: iso(link.expiresAt)!,
    redeemedAt: iso(link.redeemedAt),
    revokedAt: iso(link.revokedAt),
    openedAt: iso(link.openedAt),
    // Shown only where they apply: JSON has no undefined.
    reportedAt: iso(link.reportedAt) ?? undefined,
    renews: link.renews ?? undefined,
    locale: link.locale,
    redirectUri: link.redirectUri,
    data: link.data,
    delivery: {
      status: delivery.status,
      attempts: delivery.attempts,
      sentAt: iso(delivery.sentAt),
      lastError: delivery.lastError,
    },
  };
}

/** The answer to a mint. A replayed one shows the link as it was. */
export function toMintedResource({ link, url, token, oneTimeCode }: Minted): MintedResource {
  return Object.assign(toResource(link, link.createdAt), { url, token, oneTimeCode });
}

/** RFC 3339, UTC. @param time ms since the epoch */
export function iso(time: number | null): string | null {
  if (time === null) return null;
  const second = Math.floor(time / 1000);
  return `${wholeSecond(second)}.${String(time - second * 1000).padStart(3, '0')}Z`;
}

const seconds = new Map<number, string>();

/** Many times that are told lie in the same few seconds, and writing one out takes longer than reading a link's row. */
function wholeSecond(second: number): string {
  let text = seconds.get(second);
  if (text === undefined) {
    if (seconds.size >= 1_000) seconds.clear();
    seconds.set(second, (text = new Date(second * 1000).toISOString().slice(0, -'.000Z'.length)));
  }
  return text;
}
