import { domainToUnicode } from 'node:url';
import { startService, type TestService } from '../support/service.js';
import { Relay } from '../support/relay.js';

/** The sink decodes A-labels before it tells. */
const asSinkShows = (address: string) => address.replace(/@.*$/, (domain) => `@${domainToUnicode(domain.slice(1))}`);

/** A relay that must hear of nobody but whom the API reported. */
let relay: Relay;
let service: TestService;
beforeAll(async () => {
  relay = await Relay.start();
  service = await startService({ env: { SMTP_URL: relay.url } });
});
afterAll(async () => {
  await service.stop();
  await relay.stop();
});

const mint = (recipient: unknown) => service.mint({ recipient, purpose: 'password-reset' });

const HOSTILE: Record<string, unknown> = {
  'a list': 'ann@example.com, eve@evil.example',
  'a list with semicolons': 'ann@example.com;eve@evil.example',
  'a list with spaces': 'ann@example.com eve@evil.example',
  'a list without a space': 'ann@example.com,eve@evil.example',
  'a group': 'friends:ann@example.com,eve@evil.example;',
  'an empty group': 'undisclosed-recipients:;',
  'a display name': 'Ann <ann@example.com>',
  'a name that is an address': '"eve@evil.example" <ann@example.com>',
  'angle brackets': '<ann@example.com>',
  'two angle brackets': '<ann@example.com><eve@evil.example>',
  'a bracket left open': '<eve@evil.example',
  'a comment': 'ann(comment)@example.com',
  'a comment that holds an address': 'ann@example.com (eve@evil.example)',
  'a comment in the domain': 'ann@(eve)example.com',
  'a quoted local part': '"ann"@example.com',
  'a quoted address as local part': '"eve@evil.example x"@example.com',
  'a quoted space': '"ann lee"@example.com',
  'a quoted pair': '"ann\\"@example.com',
  'an open quote': '"ann@example.com',
  'a second at': 'ann@evil.example@example.com',
  'a source route': '@evil.example:ann@example.com',
  'a percent route': 'ann@evil.example%example.com',
  'a bang path': 'example.com!eve',
  'an IPv4 literal': 'ann@[192.0.2.1]',
  'an IPv6 literal': 'ann@[IPv6:::1]',
  'a bare IPv4': 'ann@127.0.0.1',
  'a decimal host': 'ann@2130706433',
  'a hexadecimal host': 'ann@0x7f000001',
  localhost: 'root@localhost',
  'no domain': 'ann',
  'an empty domain': 'ann@',
  'an empty local part': '@example.com',
  'only an at': '@@@',
  'a dot in front': '.ann@example.com',
  'a dot at the end': 'ann.@example.com',
  'two dots': 'ann..lee@example.com',
  'two dots in the domain': 'ann@example..com',
  'a dot after the domain': 'ann@example.com.',
  'a dot before the domain': 'ann@.example.com',
  'a dash before a label': 'ann@-example.com',
  'a dash after a label': 'ann@example-.com',
  'an underscore in the domain': 'ann@exa_mple.com',
  'a slash in the domain': 'ann@example.com/eve',
  'a port': 'ann@example.com:25',
  'a scheme': 'mailto:ann@example.com',
  'a query': 'ann@example.com?bcc=eve@evil.example',
  'an escaped address': 'ann%40example.com',
  'CRLF and a header': 'ann@example.com\r\nBcc: eve@evil.example',
  'a bare line feed': 'ann@example.com\nBcc: eve@evil.example',
  'a bare carriage return': 'ann@example.com\rRCPT TO:<eve@evil.example>',
  'CRLF in the local part': 'ann\r\n@example.com',
  'an SMTP command': 'ann@example.com>\r\nRCPT TO:<eve@evil.example',
  'a NUL': 'ann\0@example.com',
  'a NUL at the end': 'ann@example.com\0.evil.example',
  'a tab': 'ann\t@example.com',
  'a DEL': 'ann\x7f@example.com',
  'a C1 control': 'ann\x85@example.com',
  'a space in front': ' ann@example.com',
  'a space at the end': 'ann@example.com ',
  'a no-break space': 'ann\u00a0@example.com',
  'a right-to-left override': '\u202emoc.elpmaxe@nna',
  'a bidi isolate': 'ann\u2066@example.com',
  'a zero-width space': 'ann\u200b@example.com',
  'a soft hyphen in the domain': 'ann@exam\u00adple.com',
  'a byte order mark': '\ufeffann@example.com',
  'a line separator': 'ann@example.com\u2028eve@evil.example',
  'a local part beyond ASCII': 'änn@example.com',
  'a fullwidth at': 'ann＠example.com',
  'fullwidth letters': 'ann@ｅxample.com',
  'an ideographic full stop': 'ann@example。com',
  'a Kelvin sign': 'ann@\u212aexample.com',
  'a homograph of a dot': 'ann@example․com',
  'a lone surrogate': 'ann\ud800@example.com',
  'a broken A-label': 'ann@xn--a.com',
  'a local part of 65': `${'a'.repeat(65)}@example.com`,
  'a label of 64': `ann@${'a'.repeat(64)}.com`,
  'an address of 255': `ann@${'abcdefg.'.repeat(31)}com`,
  'a megabyte less': 'a'.repeat(60_000) + '@example.com',
  'an empty string': '',
  'a number': 42,
  null: null,
  true: true,
  'an object': { address: 'ann@example.com' },
  "nodemailer's object": { name: '', address: 'ann@example.com,eve@evil.example' },
  'an array of one': ['ann@example.com'],
  'an array of two': ['ann@example.com', 'eve@evil.example'],
  'an object with toString': { toString: 'ann@example.com' },
  'a length that lies': { length: 1, 0: 'ann@example.com' },
};

const PLAIN: Record<string, [given: string, stored: string]> = {
  'a plain one': ['plain@example.com', 'plain@example.com'],
  'a tag': ['tagged+tag@example.com', 'tagged+tag@example.com'],
  'every sign an atom may have': ["!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"],
  'a dash in front': ['-oQ/tmp@example.com', '-oQ/tmp@example.com'],
  'capitals in the domain': ['Caps@EXAMPLE.com', 'Caps@example.com'],
  'a domain beyond ASCII': ['ann@bücher.example', 'ann@xn--bcher-kva.example'],
  'the longest local part': [`${'b'.repeat(64)}@example.com`, `${'b'.repeat(64)}@example.com`],
};

test.each(Object.entries(HOSTILE))('%s is refused, and nothing of it is said again', async (_name, recipient) => {
  const answer = await mint(recipient);
  expect([answer.status, answer.body.code]).toEqual([422, 'request_invalid']);
  expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toContain('/recipient');
  expect(answer.text).not.toMatch(/evil\.example/);
});

test.each(Object.entries(PLAIN))('%s is mailed to exactly that mailbox', async (_name, [given, stored]) => {
  const answer = await mint(given);
  expect([answer.status, answer.body.recipient]).toEqual([201, stored]);
  const { to, raw, mail } = await relay.mailTo(asSinkShows(stored));
  expect(to).toEqual([asSinkShows(stored)]);
  expect(mail.to).toEqual([{ name: '', address: stored }]);
  expect(raw.split('\r\n\r\n')[0]).not.toMatch(/^(cc|bcc|resent-to):/im);
});

// Last: the relay has heard of the plain ones, each once, and of nobody else.
test('no other recipient ever reached the relay', () => {
  expect([...relay.offered].sort()).toEqual(
    Object.values(PLAIN)
      .map(([, stored]) => asSinkShows(stored))
      .sort(),
  );
});
