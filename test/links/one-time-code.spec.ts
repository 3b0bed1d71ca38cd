import { randomBytes } from 'node:crypto';
import { KeyRing } from '../../src/links/key-ring.js';
import { LinkIds } from '../../src/links/link-ids.js';
import { readTypedCode, spellCode } from '../../src/links/one-time-code.js';
import { Tokens } from '../../src/links/tokens.js';

const key = (kid: string): object => ({ kty: 'oct', alg: 'HS256', kid, k: randomBytes(32).toString('base64url') });
const tokensOf = (...keys: object[]): Tokens =>
  new Tokens(KeyRing.fromJwks(JSON.stringify({ keys })), 'http://localhost', new Set(['magic-link']), Date.now);
const ids = new LinkIds(Date.now);

test.each([
  ['as shown', '7K2M-9QXT'],
  ['in small letters', '7k2m-9qxt'],
  ['without the dash', '7k2m9qxt'],
  ['with spaces and dashes of other kinds', ' 7k2m – 9q xt '],
  ['in full-width letters', '７Ｋ２Ｍ－９ＱＸＴ'],
])('a code typed %s is that code', (_how, typed) => {
  expect(readTypedCode(typed)).toBe('7K2M-9QXT');
});

test('O is read as 0, I and L as 1', () => {
  expect(readTypedCode('oOiI-lL22')).toBe('0011-1122');
});

test.each(['', '7K2M-9QX', '7K2M-9QXTT', '7K2M-9QXU', '7K2M-9QX!', 'ann@example.com', 'Müllerßß'])(
  '%j cannot be a code',
  (typed) => {
    expect(readTypedCode(typed)).toBeUndefined();
  },
);

test('forty bits are spelled in eight digits that read back', () => {
  expect(spellCode(Buffer.alloc(5, 0x00))).toBe('0000-0000');
  expect(spellCode(Buffer.alloc(5, 0xff))).toBe('ZZZZ-ZZZZ');
  const bytes = randomBytes(5);
  expect(readTypedCode(spellCode(bytes).toLowerCase())).toBe(spellCode(bytes));
});

test('the codes of a thousand links all differ, and none is good for another link or under another key', () => {
  const tokens = tokensOf(key('a'));
  const stranger = tokensOf(key('a'));
  const links = Array.from({ length: 1_000 }, () => ids.next());
  const codes = links.map((id) => tokens.oneTimeCode(id));
  expect(new Set(codes).size).toBe(1_000);
  links.forEach((id, index) => {
    expect(tokens.isOneTimeCode(id, codes[index]!)).toBe(true);
    expect(tokens.isOneTimeCode(id, codes[(index + 1) % 1_000]!)).toBe(false);
    expect(stranger.isOneTimeCode(id, codes[index]!)).toBe(false);
  });
});

test('a code outlives the rotation of the key it came from, as long as that key verifies', () => {
  const [old, fresh] = [key('old'), key('new')];
  const id = ids.next();
  const code = tokensOf(old).oneTimeCode(id);
  expect(tokensOf(fresh, old).isOneTimeCode(id, code)).toBe(true);
  expect(tokensOf(fresh).isOneTimeCode(id, code)).toBe(false);
});
