import { createLogger, redact } from '../src/log.js';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ6YW56aWJhciJ9.c2lnbmF0dXJl';
const SECRETS = [TOKEN, 'olk_test_0123456789abcdef0123', 'zanzibar.quokka@wombat.example'];

const lines: string[] = [];
const logger = createLogger('info', { write: (line: string) => lines.push(line) } as never);
function logged(text: string): string {
  logger.info(text);
  return lines.splice(0).join('');
}

test.each(['eyJ', 'eyJ.', 'eyJa-', 'olk_', 'olk_a_', 'a', 'a@', '@', '\\', '\\@', '\n', '\u0001', '.', '"', 'eyJ '])(
  'a line of nothing but %j is searched in one go: else it would take for ever',
  (piece) => {
    const line = logged(piece.repeat(500_000));
    expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
  },
);

test('whatever stands before and behind a secret, it is not told, and the line stays JSON', () => {
  const characters = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
  const others = ['\u2028', '\ud800', 'é', '\\u000', '\u0001aaa', 'eyJ', 'x'.repeat(300), '\u000e'.repeat(60)];
  const leaks: string[] = [];
  for (const secret of SECRETS) {
    const parts = secret.split(/[.@_]/).filter(({ length }) => length > 4);
    for (const around of [...characters, ...others]) {
      for (const text of [around + secret, secret + around, `first ${around}${secret}${around} last`]) {
        const line = logged(text);
        const { msg } = JSON.parse(line) as { msg: string };
        if (parts.some((part) => line.includes(part) || msg.includes(part))) leaks.push(line);
      }
    }
  }
  expect(leaks).toEqual([]);
});

test('a token is known by its beginning, where its end was cut off', () => {
  const [head] = TOKEN.split('.') as [string];
  for (let length = 31; length < TOKEN.length; length++)
    expect(redact(`see ${`${head}${TOKEN}`.slice(0, length)} now`)).toBe('see [redacted] now');
});

test('what only looks like a secret is told', () => {
  const facts =
    'link 0NqkZeyJeyJ1hTtM2cYbQeyJwd1x of @nobody at 2026-05-04T10:11:12.345Z, olk_ and a "b" \\ {c} [1, 2]';
  expect(JSON.parse(logged(facts)).msg).toBe(facts);
});

test('an error that many share is told whole once, and then in short', () => {
  const shared = new Error('the database is gone', { cause: new Error('ECONNREFUSED') });
  for (let n = 0; n < 3; n++) logger.error({ error: shared });
  logger.error({ error: new Error('the database is gone') });
  const errors = lines.splice(0).map((line) => (JSON.parse(line) as { error: object }).error);
  const short = { type: 'Error', message: 'the database is gone' };
  const whole = { ...short, stack: expect.any(String) };
  const cause = { type: 'Error', message: 'ECONNREFUSED', stack: expect.any(String) };
  expect(errors).toEqual([{ ...whole, cause }, short, short, whole]);
});
