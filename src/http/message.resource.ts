import { z } from 'zod';
import { DELIVERY_STATUSES, type Message } from '../links/link.js';
import { SUPPRESSION_REASONS, type Suppression } from '../links/message-store.js';
import { iso, time } from './link.resource.js';

/** A mail as the API shows it: never its body, never the token. */
export const messageResource = z
  .object({
    id: z.string().describe('the id of the link it carries, or of the notification'),
    kind: z.enum(['link', 'notification']),
    app: z.string(),
    purpose: z.string(),
    recipient: z.string().nullable(),
    status: z.enum(DELIVERY_STATUSES),
    createdAt: time,
    nextAttemptAt: time.nullable(),
    deliverBy: time.nullable().describe('given up then'),
    sentAt: time.nullable(),
    lastError: z.string().nullable(),
    resends: z.int(),
    attempts: z
      .array(
        z.object({
          at: time,
          relay: z.string(),
          outcome: z.enum(['accepted', 'delayed', 'refused', 'unreachable']),
          reply: z.string().describe('what the relay said, without addresses'),
        }),
      )
      .describe('the latest 20 conversations with a relay, oldest first'),
  })
  .meta({ id: 'Message' });
export type MessageResource = z.infer<typeof messageResource>;

export function toMessageResource({
  id,
  kind,
  app,
  purpose,
  recipient,
  createdAt,
  delivery,
  log,
}: Message): MessageResource {
  return {
    id,
    kind,
    app,
    purpose,
    recipient,
    status: delivery.status,
    createdAt: iso(createdAt)!,
    nextAttemptAt: delivery.status === 'queued' ? iso(delivery.dueAt) : null,
    deliverBy: iso(delivery.deliverBy),
    sentAt: iso(delivery.sentAt),
    lastError: delivery.lastError,
    resends: delivery.resends,
    attempts: log.map((attempt) => ({ ...attempt, at: iso(attempt.at)! })),
  };
}

export const suppressionResource = z
  .object({
    recipient: z.string(),
    purpose: z.string().nullable().describe('null: every purpose'),
    reason: z.enum(SUPPRESSION_REASONS),
    createdAt: time,
    until: time.nullable().describe('null: until it is lifted'),
  })
  .meta({ id: 'Suppression' });
export type SuppressionResource = z.infer<typeof suppressionResource>;

export function toSuppressionResource({
  recipient,
  purpose,
  reason,
  createdAt,
  until,
}: Suppression): SuppressionResource {
  return {
    recipient,
    purpose: purpose === '*' ? null : purpose,
    reason,
    createdAt: iso(createdAt)!,
    until: iso(until),
  };
}
