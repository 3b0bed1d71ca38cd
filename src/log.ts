import { pino, type Logger } from 'pino';

export type { Logger };
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * What stands between spaces, quotes and brackets. A backslash counts only together with what it escapes, so that a line
 * stays JSON whichever of its words are taken out.
 */
const WORD = /(?:\\(?:u[0-9a-f]{4}|.)|[^\s<>"'(),;:\\])+/g;
/**
 * What must never be in a log line, whoever put it there: addresses, tokens and codes, API keys. A token that was cut before
 * its first dot is known by its length: an id has fewer than 28 characters behind an `eyJ`. No branch looks far ahead
 * without having found one, or a long word would be looked at again from each of its letters.
 */
const SECRET = /.@|eyJ(?:[\w-]{28}|[\w-]*\.)|olk_[A-Za-z0-9]+_./;

export function redact(text: string): string {
  return text.replace(WORD, (word) => (SECRET.test(word) ? '[redacted]' : word));
}

/**
 * JSON lines to standard output, without secrets, in whatever member they stand. Errors are reduced to type, message and
 * stack: drivers hang statements and their parameters on them. An error that many requests share, as those of a batch do
 * when the database is gone, has its stack only in the first line that tells of it.
 */
export function createLogger(level: LogLevel, destination?: NodeJS.WritableStream): Logger {
  const told = new WeakSet<Error>();
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error: unknown) => describe(error, told) },
      hooks: { streamWrite: redact },
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}

function describe(error: unknown, told: WeakSet<Error>): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name: type, message, stack = '', cause } = error;
  if (told.has(error)) return { type, message };
  told.add(error);
  return { type, message, stack, ...(cause !== undefined && { cause: describe(cause, told) }) };
}
