import { TokenInvalid } from '../../src/links/errors.js';
import { throws } from '../../src/links/expected-error.js';

const stackOf = (error: Error): string[] => error.stack!.split('\n').slice(1);

test('a refusal takes no stack trace, and every other error still does', () => {
  expect(stackOf(new TokenInvalid())).toEqual([]);
  expect(stackOf(new Error('of ours'))).not.toEqual([]);
});

test('nor do the errors of a library, as long as it is asked', () => {
  const seen: Error[] = [];
  const refuse = (): never => {
    seen.push(new Error('of theirs'));
    throw seen[0]!;
  };
  expect([throws(refuse), throws(() => undefined)]).toEqual([true, false]);
  expect(stackOf(seen[0]!)).toEqual([]);
  expect(stackOf(new Error('of ours'))).not.toEqual([]);
});
