import { pino, type Logger } from 'pino';

export type { Logger };
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * What must never be in a log line, whoever put it there: tokens and codes, API keys, addresses. A backslash counts only
 * together with what it escapes, so that a line stays JSON; without a bound, a long text would be looked at again from each
 * of its letters.
 */
const SECRETS =
  /eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?|olk_[A-Za-z0-9]+_[A-Za-z0-9_-]+|(?<!\\)(?:\\.|[^\s<>"'(),;:\\]){1,256}@(?:\\.|[^\s<>"'(),;:\\])+/g;

export function redact(text: string): string {
  return text.replace(SECRETS, '[redacted]');
}

/**
 * JSON lines to standard output, without secrets, in whatever member they stand. Errors are reduced to type, message and
 * stack: drivers hang statements and their parameters on them.
 */
export function createLogger(level: LogLevel, destination?: NodeJS.WritableStream): Logger {
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describe },
      hooks: { streamWrite: redact },
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    type: error.name,
    message: error.message,
    stack: error.stack ?? '',
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}
