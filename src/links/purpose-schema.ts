import { z } from 'zod';
import { parseDuration } from '../clock.js';

/** The name of a purpose, which is also its folder's. */
export const PURPOSE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

const DURATION = 'expected a duration such as 30s, 10m, 24h, 7d or seconds';
const duration = z.union([z.string(), z.number()], DURATION).transform((text, issues) => {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  issues.addIssue({ code: 'custom', message: DURATION });
  return z.NEVER;
});
const durationOrZero = z.union([z.literal(0), duration], `${DURATION}; or 0 for none`);

/** Counting reads the rows it counts, so this bounds its cost; for more, take a shorter window. */
export const MAX_QUOTA_COUNT = 10_000;
const COUNT = `expected a whole number from 1 to ${MAX_QUOTA_COUNT}`;
const quotas = z.record(
  z.string(),
  z.int(COUNT).min(1, COUNT).max(MAX_QUOTA_COUNT, COUNT),
  'expected a count for each window, such as { 1h: 10, 1d: 30 }',
);

const limits = (cooldown: number) =>
  z
    .strictObject({
      cooldown: durationOrZero.default(cooldown),
      perRecipient: quotas.default({ '1h': 10, '1d': 30 }),
      perSubject: quotas.default({}),
      perClient: quotas.default({}),
    })
    .prefault({});

const templateData = z
  .record(
    z
      .string()
      .regex(
        /^[A-Za-z][A-Za-z0-9_]{0,63}$/,
        'expected a name of letters, digits and underscores, at most 64, a letter first',
      ),
    z.strictObject({
      type: z.enum(['string', 'number', 'boolean']),
      required: z.boolean().default(false),
    }),
  )
  .default({});

/** What only a link needs. */
const OF_LINKS = {
  expiresIn: z.union(
    [duration, z.strictObject({ default: duration, min: duration.optional(), max: duration.optional() })],
    `${DURATION}; or a default with bounds, such as { default: 30m, min: 5m, max: 24h }`,
  ),
  reissue: z.enum(['supersede', 'keep']).default('supersede'),
  redeemOn: z.enum(['app', 'page']).default('app'),
  landing: z.enum(['hosted', 'app']).default('hosted'),
  codeLifetime: duration.default(300),
  binding: z.enum(['none', 'optional', 'required']).default('optional'),
  renew: z.boolean().default(true),
  pauseAfterReport: durationOrZero.default(86_400),
  oneTimeCode: z.enum(['none', 'mail', 'screen']).default('none'),
};
const refused = z.never({ error: 'is for links, and a notification has none; leave it out' }).optional();

/** `purpose.yaml`, as far as it decides which of the two schemas holds for the rest. */
export const kindSchema = z.looseObject({ kind: z.enum(['link', 'notification']).default('link') });

export const linkSchema = z.strictObject({
  kind: z.literal('link').default('link'),
  ...OF_LINKS,
  deliverWithin: duration.optional(),
  limits: limits(30),
  templateData,
});

export const notificationSchema = z.strictObject({
  kind: z.literal('notification'),
  ...(Object.fromEntries(Object.keys(OF_LINKS).map((name) => [name, refused])) as Record<
    keyof typeof OF_LINKS,
    typeof refused
  >),
  deliverWithin: duration.default(86_400),
  // What happened twice is told twice.
  limits: limits(0),
  templateData,
});
