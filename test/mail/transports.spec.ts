import { createHash, createVerify, generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import PostalMime from 'postal-mime';
import { readDkim } from '../../src/mail/dkim.js';
import { Mailer } from '../../src/mail/mailer.js';
import { createRelay, inboxTransport, relayUrlFault } from '../../src/mail/transports.js';
import { Inbox } from '../../src/mail/inbox.js';
import { Relay } from '../support/relay.js';
import { eventually } from '../support/service.js';

const SENDER = { name: 'Example', address: 'no-reply@mail.example' };
const LETTER = {
  to: 'ann@example.com',
  subject: 'Grüße',
  text: 'Hello\n.\n..dots\n',
  html: '<p>Hello</p>',
  messageId: 'id-1',
};
let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'oncelink-mail-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A program in the place of sendmail that keeps its input and arguments, and ends as it is told. */
function program(exit: number): string {
  const path = join(directory, 'sendmail');
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > ${directory}/args\ncat > ${directory}/input\nexit ${exit}\n`);
  chmodSync(path, 0o755);
  return path;
}
const send = (url: string, letter = LETTER) => new Mailer([createRelay(url)], SENDER).send(letter);

test.each([
  ['', 10],
  ['?connections=3', 3],
])('a relay%s gets %i connections for any number of mails', async (parameter, most) => {
  const relay = await Relay.start();
  relay.beforeAccepting = async () => void (await eventually(() => relay.connections >= most));
  const mailer = new Mailer([createRelay(`${relay.url}${parameter}`)], SENDER);
  const mails = Array.from({ length: 3 * most }, (_, nth) => mailer.send({ ...LETTER, messageId: `id-${nth}` }));
  const outcomes = (await Promise.all(mails)).map(({ outcome }) => outcome);
  expect([new Set(outcomes), relay.received.length]).toEqual([new Set(['accepted']), 3 * most]);
  expect(relay.connections).toBe(most);
  mailer.close();
  await relay.stop();
});

describe('sendmail', () => {
  test('gets one recipient as an argument, and the whole mail', async () => {
    expect(await send(`sendmail:${program(0)}`)).toMatchObject({ outcome: 'accepted' });
    expect(readFileSync(join(directory, 'args'), 'utf8')).toBe('-i\n-f\nno-reply@mail.example\nann@example.com\n');
    const mail = await PostalMime.parse(readFileSync(join(directory, 'input')));
    expect([mail.subject, mail.text?.trim()]).toEqual(['Grüße', 'Hello\n.\n..dots']);
  });

  test('never takes an address for an option', async () => {
    const path = program(0);
    const refused = { outcome: 'refused', noSuchMailbox: false, relayWorks: true };
    expect(await send(`sendmail:${path}`, { ...LETTER, to: '-oQ/tmp@example.com' })).toMatchObject(refused);
    const from = { name: 'App', address: '-oQ/tmp@mail.example' };
    expect(await send(`sendmail:${path}`, { ...LETTER, from } as never)).toMatchObject(refused);
    expect(readdirSync(directory)).toEqual(['sendmail']);
  });

  test('goes on for others, however many such addresses strangers give', async () => {
    const mailer = new Mailer([createRelay(`sendmail:${program(0)}`)], SENDER);
    for (let nth = 0; nth < 10; nth++) await mailer.send({ ...LETTER, to: `-x${nth}@example.com` });
    expect(mailer.circuits()[0]!.circuit).toBe('closed');
    expect(await mailer.send(LETTER)).toMatchObject({ outcome: 'accepted' });
  });

  test.each([
    [75, 'delayed', false],
    [69, 'delayed', false],
    [67, 'refused', true],
    [65, 'refused', false],
  ])('that ends with %i means %s', async (exit, outcome, noSuchMailbox) => {
    expect(await send(`sendmail:${program(exit)}`)).toMatchObject({ outcome, noSuchMailbox });
  });

  test('that is not there lets the next one try', async () => {
    const mailer = new Mailer([createRelay('sendmail:/nowhere/sendmail'), createRelay(`file:${directory}`)], SENDER);
    const { outcome, log } = await mailer.send(LETTER);
    expect([outcome, log.map((one) => one.outcome)]).toEqual(['accepted', ['unreachable', 'accepted']]);
  });
});

describe('a conversation that takes too long, with the timers set by hand,', () => {
  beforeEach(() => {
    jest.useFakeTimers({
      doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'],
    });
  });
  afterEach(() => void jest.useRealTimers());

  /** Not `eventually`, whose timers stand still. */
  async function until(holds: () => boolean): Promise<void> {
    for (const end = Date.now() + 8_000; !holds(); await turn()) if (Date.now() > end) throw new Error('it did not');
  }
  const isThere = (pid: number): boolean => {
    try {
      // One that has ended and not been waited for is not there.
      return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };

  test('a sendmail that hangs is ended; it may have queued the mail, so no other relay gets it', async () => {
    const path = join(directory, 'sendmail');
    const started = join(directory, 'pid');
    writeFileSync(
      path,
      `#!/bin/sh\ncat > /dev/null\necho $$ > ${started}.part\nmv ${started}.part ${started}\nexec sleep 60\n`,
    );
    chmodSync(path, 0o755);
    const inbox = new Inbox();
    const mailer = new Mailer([createRelay(`sendmail:${path}`), inboxTransport(inbox)], SENDER);
    const handover = mailer.send(LETTER);
    await until(() => existsSync(started));
    const pid = Number(readFileSync(started, 'utf8'));
    jest.advanceTimersByTime(89_999);
    await turn();
    expect(isThere(pid)).toBe(true);
    jest.advanceTimersByTime(1);
    expect(await handover).toMatchObject({ outcome: 'delayed', relayWorks: false });
    await until(() => !isThere(pid));
    expect(inbox.list()).toEqual([]);
  });

  test('is over for whatever transport, also for one that does not listen and may take the mail yet', async () => {
    const inbox = new Inbox();
    const deaf = { ...inboxTransport(inbox), name: 'deaf', send: () => new Promise<never>(() => {}) };
    const handover = new Mailer([deaf, inboxTransport(inbox)], SENDER).send(LETTER);
    jest.advanceTimersByTime(90_000);
    const reply = 'no answer within 90 s';
    expect(await handover).toMatchObject({ relay: 'deaf', outcome: 'delayed', reply, relayWorks: false });
    expect(inbox.list()).toEqual([]);
  });

  test('a relay that was not told of the mail yet lets the next one try', async () => {
    const inbox = new Inbox();
    const busy = createServer(() => {});
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const { port } = busy.address() as AddressInfo;
    const mailer = new Mailer([createRelay(`smtp://127.0.0.1:${port}`), inboxTransport(inbox)], SENDER);
    const handover = mailer.send(LETTER);
    jest.advanceTimersByTime(90_000);
    expect(await handover).toMatchObject({ outcome: 'accepted', log: [{ outcome: 'unreachable' }, {}] });
    mailer.close();
    busy.closeAllConnections();
    busy.close();
  });
});

test('file: keeps one .eml a mail, and a repeated mail once', async () => {
  const folder = join(directory, 'mails');
  for (const messageId of ['id-1', 'id-2', 'id-1']) await send(`file:${folder}`, { ...LETTER, messageId });
  expect(readdirSync(folder).sort()).toEqual(['id-1@mail.example.eml', 'id-2@mail.example.eml']);
  const mail = await PostalMime.parse(readFileSync(join(folder, 'id-2@mail.example.eml')));
  expect([mail.to?.[0]?.address, mail.messageId]).toEqual(['ann@example.com', '<id-2@mail.example>']);
});

test.each([
  ['smtp://relay.example', true],
  ['smtp://relay.example?connections=3', true],
  ['smtp://relay.example?connections=0', false],
  ['smtp://relay.example?tls=off', false],
  ['smtps://user:password@relay.example:465', true],
  ['sendmail:/usr/sbin/sendmail', true],
  ['sendmail:', false],
  ['file:./mails', true],
  ['file:', false],
  ['http://relay.example', false],
  ['constructor:x', false],
  ['relay.example', false],
])('%s as a relay: %s', (url, good) => {
  expect(relayUrlFault(url) === undefined).toBe(good);
});

test('nothing of a letter makes the mailer read a file or fetch a URL', async () => {
  const secret = join(directory, 'secret');
  writeFileSync(secret, 'do not mail me');
  let asked = 0;
  const site = createServer((_request, response) => void (asked++, response.end('do not mail me')));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const href = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  for (const [nth, content] of [{ path: secret }, { path: href }, { href }].entries())
    await send(`file:${directory}`, { ...LETTER, html: content as never, text: content as never, messageId: `${nth}` });
  await new Promise((resolve) => site.close(resolve));
  expect(asked).toBe(0);
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.eml')))
    expect(readFileSync(join(directory, file), 'utf8')).not.toContain('do not mail me');
});

describe('an address that nodemailer would repair into others', () => {
  test.each(['ann@example.com, eve@evil.example', 'ann@example.com\r\nBcc: eve@evil.example', 'Ann <ann@example.com>'])(
    '%j never reaches a relay',
    async (to) => {
      const relay = await Relay.start();
      try {
        const mailer = new Mailer([createRelay(relay.url)], SENDER);
        expect(await mailer.send({ ...LETTER, to })).toMatchObject({ outcome: 'refused', noSuchMailbox: false });
        mailer.close();
        expect(relay.offered).toEqual([]);
      } finally {
        await relay.stop();
      }
    },
  );
});

describe('DKIM', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const settings = (change: Record<string, string> = {}) => {
    const file = join(directory, 'dkim.pem');
    writeFileSync(file, pem);
    const faults: string[] = [];
    const env = { DKIM_DOMAIN: 'mail.example', DKIM_SELECTOR: 's2026', DKIM_KEY_FILE: file, ...change };
    return { key: readDkim(env, (name, problem) => faults.push(`${name} ${problem}`)), faults };
  };

  test('a signed mail verifies with the public key, as a receiver would do it (RFC 6376)', async () => {
    const mailer = new Mailer([createRelay(`file:${directory}`, settings().key)], SENDER);
    await mailer.send(LETTER);
    const raw = readFileSync(join(directory, 'id-1@mail.example.eml'), 'latin1');
    expect(verify(raw)).toEqual({ body: true, headers: true, d: 'mail.example', s: 's2026' });
    expect(verify(raw.replace('Hello', 'Hullo'))).toMatchObject({ body: false });
    expect(verify(raw.replace('ann@example.com', 'eve@example.com'))).toMatchObject({ headers: false });
  });

  test('half a setting, or a key that cannot sign, is told at start', () => {
    expect(settings({ DKIM_DOMAIN: '', DKIM_SELECTOR: '', DKIM_KEY_FILE: '' })).toEqual({ key: undefined, faults: [] });
    expect(settings({ DKIM_SELECTOR: '' }).faults).toEqual([expect.stringMatching(/^DKIM_SELECTOR is needed with/)]);
    expect(settings({ DKIM_DOMAIN: 'x; y' }).faults).toEqual([expect.stringMatching(/^DKIM_DOMAIN is not valid/)]);
    expect(settings({ DKIM_KEY_FILE: '/nowhere' }).faults).toEqual([expect.stringMatching(/^DKIM_KEY_FILE names a/)]);
    const file = join(directory, 'other.pem');
    for (const key of ['no key', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })]) {
      writeFileSync(file, key);
      expect(settings({ DKIM_KEY_FILE: file }).faults).toEqual([expect.stringMatching(/^DKIM_KEY_FILE must hold/)]);
    }
  });

  /** The verifier's side of RFC 6376, relaxed/relaxed, written for this test. */
  function verify(raw: string): { body: boolean; headers: boolean; d: string; s: string } {
    const [head, ...rest] = raw.split('\r\n\r\n');
    const fields = head!.replace(/\r\n(?=[ \t])/g, '').split('\r\n');
    const relaxed = (field: string) => {
      const colon = field.indexOf(':');
      return `${field.slice(0, colon).trim().toLowerCase()}:${field.slice(colon + 1).replace(/[ \t]+/g, ' ').trim()}`; // prettier-ignore
    };
    const signature = fields.find((field) => /^dkim-signature:/i.test(field))!;
    const tags = Object.fromEntries(
      signature
        .slice(signature.indexOf(':') + 1)
        .split(';')
        .map((tag) => [tag.slice(0, tag.indexOf('=')).trim(), tag.slice(tag.indexOf('=') + 1).replace(/\s/g, '')]),
    ) as Record<string, string>;
    const body = rest
      .join('\r\n\r\n')
      .replace(/[ \t]+(?=\r\n)/g, '')
      .replace(/[ \t]+/g, ' ')
      .replace(/(\r\n)*$/, '\r\n');
    const bodyHash = createHash('sha256').update(body, 'latin1').digest('base64');
    const signed = tags
      .h!.toLowerCase()
      .split(':')
      .flatMap((name) => fields.filter((field) => relaxed(field).startsWith(`${name}:`)).slice(-1))
      .map((field) => `${relaxed(field)}\r\n`);
    const own = relaxed(signature.replace(/b=[^;]*$/, 'b='));
    const check = createVerify('RSA-SHA256').update(signed.join('') + own, 'latin1');
    const headers = check.verify(publicKey, tags.b!, 'base64');
    return { body: bodyHash === tags.bh, headers, d: tags.d!, s: tags.s! };
  }
});
