import { parseRecipient, recipientKey } from '../../src/links/recipient.js';

test.each([
  ['ann@example.com', 'ann@example.com'],
  ['Ann.Lee+tag@Example.COM', 'Ann.Lee+tag@example.com'],
  ["o'brien@example.co.uk", "o'brien@example.co.uk"],
  ['ann@müller.example', 'ann@xn--mller-kva.example'],
  ['ann@xn--mller-kva.example', 'ann@xn--mller-kva.example'],
  ['a@b.cd', 'a@b.cd'],
])('%s is mailed as %s', (text, address) => expect(parseRecipient(text)).toBe(address));

test.each([
  'ann', 'ann@', '@example.com', 'ann@example', 'ann@@example.com', 'ann@example..com', '.ann@example.com', 'ann.@example.com', 'a..b@example.com',
  'ann@example.com, bob@example.com', 'ann@example.com;bob@example.com', 'ann@example.com bob@example.com', ' ann@example.com', 'ann@example.com ',
  'Ann <ann@example.com>', '<ann@example.com>', '"ann"@example.com', '"a@b"@example.com', 'ann(comment)@example.com', 'ann@(comment)example.com',
  'group:ann@example.com;', '@relay:ann@example.com', 'ann@[127.0.0.1]', 'ann@[IPv6:::1]', 'ann@127.0.0.1', 'ann@example.123',
  'ann\r\nBcc: eve@example.com', 'ann@example.com\r\nBcc: eve@example.com', 'ann\0@example.com', 'ann@exa\u0000mple.com', 'ann\u202e@example.com',
  'änn@example.com', 'ann＠example.com', 'ann@example。com', 'ann@exaＭple.com', 'ann@ex\u00adample.com', 'ann@-example.com', 'ann@example-.com', 'ann@exa_mple.com',
  'ann@\u212aelvin.example', `${'a'.repeat(65)}@example.com`, `ann@${'a'.repeat(64)}.com`, `${'a'.repeat(60)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.com`,
])('%j is refused', (text) => expect(parseRecipient(text)).toBeUndefined()); // prettier-ignore

test('limits count case and plus-tags as one mailbox, and nothing else', () => {
  const key = recipientKey('ann@example.com');
  expect(recipientKey('ANN@example.com')).toBe(key);
  expect(recipientKey('Ann+news+x@example.com')).toBe(key);
  expect(recipientKey('a.nn@example.com')).not.toBe(key);
  expect(recipientKey('ann@example.org')).not.toBe(key);
  expect(recipientKey('+ann@example.com')).not.toBe(recipientKey('+bob@example.com'));
  expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/);
});
