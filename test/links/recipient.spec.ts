import { createHash, randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import {
  addressKey,
  clientKey,
  clientNetwork,
  isClientAddress,
  parseRecipient,
  recipientKey,
} from '../../src/links/recipient.js';

const key = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22);
/** With an address of `length` characters in its ASCII form, if `local` and `domain` leave room for that. */
const padded = (local: string, domain: string, length: number): string => {
  const missing = length - local.length - 1 - domain.length - '.com'.length;
  const labels = [63, 63, missing - 64 - 64 - 1].map((size) => 'a'.repeat(size));
  return `${local}@${labels.join('.')}.${domain}.com`;
};
const LONGEST = 'l'.repeat(64);

test.each([
  ['ann@example.com', 'ann@example.com'],
  ['Ann.Lee+tag@Example.COM', 'Ann.Lee+tag@example.com'],
  ["o'brien@example.co.uk", "o'brien@example.co.uk"],
  ['ann@müller.example', 'ann@xn--mller-kva.example'],
  ['ann@xn--mller-kva.example', 'ann@xn--mller-kva.example'],
  ['a@b.cd', 'a@b.cd'],
  ['a@b--c.de-f.example', 'a@b--c.de-f.example'],
  ['ann@MÜLLER.example', 'ann@xn--mller-kva.example'],
  ['ann@mu\u0308ller.example', 'ann@xn--mller-kva.example'],
  ["!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"],
  [padded(LONGEST, 'b', 254), padded(LONGEST, 'b', 254)],
  // Seven characters more in its ASCII form.
  [padded(LONGEST, 'müller', 247), padded(LONGEST, 'xn--mller-kva', 254)],
])('%s is mailed as %s', (text, address) => expect(parseRecipient(text)).toBe(address));

test.each([
  'ann', 'ann@', '@example.com', 'ann@example', 'ann@@example.com', 'ann@example..com', '.ann@example.com', 'ann.@example.com', 'a..b@example.com',
  'ann@example.com, bob@example.com', 'ann@example.com;bob@example.com', 'ann@example.com bob@example.com', ' ann@example.com', 'ann@example.com ',
  'Ann <ann@example.com>', '<ann@example.com>', '"ann"@example.com', '"a@b"@example.com', 'ann(comment)@example.com', 'ann@(comment)example.com',
  'group:ann@example.com;', '@relay:ann@example.com', 'ann@[127.0.0.1]', 'ann@[IPv6:::1]', 'ann@127.0.0.1', 'ann@example.123',
  'ann\r\nBcc: eve@example.com', 'ann@example.com\r\nBcc: eve@example.com', 'ann\0@example.com', 'ann@exa\u0000mple.com', 'ann\u202e@example.com',
  'änn@example.com', 'ann＠example.com', 'ann@example。com', 'ann@exaＭple.com', 'ann@ex\u00adample.com', 'ann@-example.com', 'ann@example-.com', 'ann@exa_mple.com',
  'ann@\u212aelvin.example', `${'a'.repeat(65)}@example.com`, `ann@${'a'.repeat(64)}.com`, `${'a'.repeat(60)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.com`,
  'ann.example.com', 'ann@a_b.com', 'ann@xn--a.com', 'ann@mail.xn--a.com', 'ann@xn--abc-.com', 'ann@roc\u212a.example', 'ann@Ｍüller.example', 'ann@ﬁü.example',
  padded(LONGEST, 'b', 255), padded(LONGEST, 'müller', 248),
])('%j is refused', (text) => expect(parseRecipient(text)).toBeUndefined()); // prettier-ignore

test('what is counted by and looked up', () => {
  expect(recipientKey('Ann+News@example.com')).toBe(key('ann@example.com'));
  expect(addressKey('Ann+News@example.com')).toBe(key('ann+news@example.com'));
  expect(addressKey('ann@example.com')).toBeNull();
  expect(addressKey('+ann@example.com')).toBeNull();
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['::0:ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:102:304', '1.2.3.4'],
  ['::FFFF:0102:0304', '1.2.3.4'],
  ['0:0:0:0:0:ffff:102:304', '1.2.3.4'],
  ['0000:0000:0000:0000:0000:FFFF:0102:0304', '1.2.3.4'],
  ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
  ['::ffff:0:102', '0.0.1.2'],
  ['::ffff:0:0', '0.0.0.0'],
  ['::ffff:102', '0:0:0:0'],
  ['::ffff', '0:0:0:0'],
  ['::1.2.3.4', '0:0:0:0'],
  ['::ffff:0:1.2.3.4', '0:0:0:0'],
  ['::fffe:1.2.3.4', '0:0:0:0'],
  ['1::ffff:1.2.3.4', '1:0:0:0'],
  ['64:ff9b::1.2.3.4', '64:ff9b:0:0'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:DB8:0:0:1::', '2001:db8:0:0'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4'],
  ['1:2:3::8', '1:2:3:0'],
  ['1::5:6:7:8', '1:0:0:0'],
  ['1::4:5:6:7:8', '1:0:0:4'],
  ['::1', '0:0:0:0'],
  ['::4:5:6:7:8', '0:0:0:4'],
  ['::ffff:1:2:3', '0:0:0:0'],
  ['1::ffff:102', '1:0:0:0'],
])('the client %s is counted as %s', (address, canonical) => {
  expect(isClientAddress(address)).toBe(true);
  expect(clientKey(address)).toBe(key(canonical));
});

test('whatever the spelling, a client is its first four groups, or the IPv4 address that it stands for', () => {
  const one = (of: readonly string[]): string => of[randomInt(of.length)]!;
  for (let count = 0; count < 20_000; count++) {
    const groups = Array.from({ length: 8 }, () => one(['0', '0', '0', 'ffff', '1', '102', 'db8']));
    const [high, low] = groups.slice(6).map((group) => parseInt(group, 16)) as [number, number];
    const quads = [high >> 8, high & 255, low >> 8, low & 255].join('.');
    const spelled = groups.map((group) => one([group, group.padStart(4, '0'), group.toUpperCase()]));
    if (one(['hex', 'quads']) === 'quads') spelled.splice(6, 2, quads);
    const short = spelled
      .join(':')
      .replace(one(['none', '0:0:0:0:0:', ':0:0:0:', ':0:0:']), '::')
      .replace(/:::+/, '::');
    const address = isIP(short) ? short : spelled.join(':');
    const isMapped = /^(0:){5}ffff:/.test(groups.join(':'));
    expect([address, clientNetwork(address)]).toEqual([address, isMapped ? quads : groups.slice(0, 4).join(':')]);
  }
});

test.each([
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::ffff:1.2.3.4%eth0', '1.2.3.4'],
  ['192.0.2.1:4711', '192.0.2.1:4711'],
  ['[2001:db8::1]:4711', '[2001:db8::1]:4711'],
  ['unknown', 'unknown'],
  ['', ''],
])('%j, which some proxy passes on, is counted as %j', (text, network) => {
  expect(isClientAddress(text)).toBe(false);
  expect(clientNetwork(text)).toBe(network);
});

test('limits count case and plus-tags as one mailbox, and nothing else', () => {
  const key = recipientKey('ann@example.com');
  expect(recipientKey('ANN@example.com')).toBe(key);
  expect(recipientKey('Ann+news+x@example.com')).toBe(key);
  expect(recipientKey('a.nn@example.com')).not.toBe(key);
  expect(recipientKey('ann@example.org')).not.toBe(key);
  expect(recipientKey('+ann@example.com')).not.toBe(recipientKey('+bob@example.com'));
  expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/);
});

test('no character of Unicode that folds onto ASCII makes an address another one', () => {
  const folds = (character: string): boolean =>
    [character.toLowerCase(), character.toUpperCase(), character.normalize('NFKC')].some((one) => /[ -~]/.test(one));
  let folding = 0;
  for (let code = 0x80; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    if (!folds(character)) continue;
    folding++;
    expect(parseRecipient(`an${character}n@example.com`)).toBeUndefined();
    expect(parseRecipient(`ann@ex${character}mple.com`) ?? 'ann@xn--').toMatch(/^ann@xn--/);
  }
  expect(folding).toBeGreaterThan(1_442);
});
