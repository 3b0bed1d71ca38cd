import { TokenInvalid } from '../../src/links/errors.js';
import { throws } from '../../src/links/expected-error.js';

test('an error that is an answer has no stack trace; the others keep theirs', () => {
  const limit = Error.stackTraceLimit;
  expect(new TokenInvalid().stack).not.toContain('\n    at ');
  let inner: unknown;
  expect(
    throws(() => {
      inner = new Error('library');
      throw inner;
    }),
  ).toBe(true);
  expect((inner as Error).stack).not.toContain('\n    at ');
  expect(throws(() => 'fine')).toBe(false);
  expect(Error.stackTraceLimit).toBe(limit);
  expect(new Error('accident').stack).toContain('\n    at ');
});
