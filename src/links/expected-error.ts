/**
 * An error that is an answer, not an accident: it has no stack trace. Taking one costs more than all else about refusing
 * a token, and whoever floods us with bad ones must not make us pay for it.
 */
export abstract class ExpectedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = limit;
  }
}

/** Whether it throws. The library's errors are answers, too. */
export function throws(work: () => unknown): boolean {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    work();
    return false;
  } catch {
    return true;
  } finally {
    Error.stackTraceLimit = limit;
  }
}
