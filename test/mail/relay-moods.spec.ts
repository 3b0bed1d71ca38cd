import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { Mailer, type Handover } from '../../src/mail/mailer.js';
import { createRelay } from '../../src/mail/transports.js';
import { selfSigned } from '../support/https.js';
import { Relay } from '../support/relay.js';
import { freePort, HandSetClock } from '../support/service.js';

const SENDER = { name: 'Example', address: 'no-reply@mail.example' };
const letter = (to = 'ann@example.com') => ({ to, subject: 's', text: 't', html: '<p>t</p>', messageId: `for-${to}` });
/** Linux answers on all of 127/8; for the mailer only 127.0.0.1 is this machine, so certificates count here. */
const ELSEWHERE = '127.0.0.2';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that says what it likes. @returns its URL */
async function rawRelay(talk: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers each command by its first word; a function may do what it likes with the socket. */
function dialogue(
  answers: Record<string, string | ((socket: Socket) => void)>,
  greeting = '220 here\r\n',
): (socket: Socket) => void {
  return (socket) => {
    let inData = false;
    let buffer = '';
    socket.write(greeting);
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1');
      for (;;) {
        const end = inData ? buffer.indexOf('\r\n.\r\n') : buffer.indexOf('\r\n');
        if (end < 0) return;
        const word = inData ? 'END' : buffer.slice(0, end).split(/[ :]/)[0]!.toUpperCase();
        buffer = buffer.slice(end + (inData ? 5 : 2));
        inData = word === 'DATA';
        const answer = answers[word] ?? (inData ? '354 go on' : '250 fine');
        if (typeof answer === 'function') answer(socket);
        else socket.write(`${answer}\r\n`);
      }
    });
  };
}

async function send(urls: string | string[], to?: string): Promise<Handover> {
  const mailer = new Mailer([urls].flat().map((url) => createRelay(url)), SENDER); // prettier-ignore
  closing.push(() => mailer.close());
  return mailer.send(letter(to));
}

/** With the certificate that smtp-server brings along, for which nobody vouches. */
async function secureRelay(
  options: Partial<SMTPServerOptions>,
): Promise<{ port: number; mails: number; encrypted: number }> {
  const state = { port: 0, mails: 0, encrypted: 0 };
  // It warns of that certificate, which is just the bad one that is wanted here.
  const { error } = console;
  console.error = () => {};
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      stream.resume().on('end', () => {
        state.mails += 1;
        if (session.secure) state.encrypted += 1;
        done();
      });
    },
    ...options,
  });
  console.error = error;
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, ELSEWHERE, resolve));
  closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  state.port = (server.server.address() as AddressInfo).port;
  return state;
}

describe('a reply', () => {
  test.each<[string, Parameters<typeof dialogue>, Partial<Handover>]>([
    ['421 as a greeting', [{}, '421 too busy\r\n'], { outcome: 'unreachable' }],
    ['554 as a greeting is about us', [{}, '554 go away\r\n'], { outcome: 'unreachable' }],
    ['a greeting of another protocol', [{}, 'HTTP/1.1 400 Bad Request\r\n\r\n'], { outcome: 'unreachable' }],
    ['421 to MAIL', [{ MAIL: '421 closing' }], { outcome: 'delayed', relayWorks: true }],
    ['530 to MAIL asks for a log-in', [{ MAIL: '530 5.7.0 log in first' }], { outcome: 'unreachable' }],
    ['550 to MAIL refuses the sender', [{ MAIL: '550 5.7.1 no' }], { outcome: 'refused', noSuchMailbox: false }],
    ['451 to RCPT', [{ RCPT: '451 4.7.1 later' }], { outcome: 'delayed' }],
    ['550 to RCPT', [{ RCPT: '550 5.1.1 who?' }], { outcome: 'refused', noSuchMailbox: true }],
    ['452 to DATA', [{ DATA: '452 full' }], { outcome: 'delayed' }],
    ['554 after DATA', [{ END: '554 5.6.0 content' }], { outcome: 'refused', noSuchMailbox: false }],
    ['550 5.1.1 after DATA', [{ END: '550 5.1.1 who?' }], { outcome: 'refused', noSuchMailbox: true }],
    [
      'a link in it is left out',
      [{ END: '554 5.7.1 https://links.example/l/eyJhbGciOi.eyJpc3M.c2ln_-1 is listed' }],
      { reply: '554 5.7.1 https://links.example/l/… is listed' },
    ],
    ['nonsense to RCPT is no refusal', [{ RCPT: 'whatever' }], { outcome: 'delayed', relayWorks: false }],
    ['nonsense after DATA may have taken it', [{ END: 'whatever' }], { outcome: 'delayed', relayWorks: false }],
    [
      'a reply as long as a relay may make it',
      [{ RCPT: `450 ${'a'.repeat(1_000_000)} ann@example.com` }],
      { outcome: 'delayed', reply: '450 …' },
    ],
    ['250 after DATA', [{ END: '250 2.0.0 queued' }], { outcome: 'accepted', reply: '250 2.0.0 queued' }],
  ])('%s', async (_name, [answers, greeting], outcome) => {
    expect(await send(await rawRelay(dialogue(answers, greeting)))).toMatchObject(outcome);
  });
});

describe('a connection', () => {
  const gone = (socket: Socket) => void socket.resetAndDestroy();

  test('that is refused, or reset before the greeting, lets the next relay try', async () => {
    const good = await Relay.start();
    closing.push(() => good.stop());
    const { outcome, log } = await send([`smtp://127.0.0.1:${await freePort()}`, await rawRelay(gone), good.url]);
    expect([outcome, log.map((one) => one.outcome)]).toEqual(['accepted', ['unreachable', 'unreachable', 'accepted']]);
  });

  test.each(['MAIL', 'RCPT', 'DATA', 'END'])(
    'that breaks at %s delays the mail: another relay might be the second to take it',
    async (word) => {
      const good = await Relay.start();
      closing.push(() => good.stop());
      const { outcome, relayWorks } = await send([await rawRelay(dialogue({ [word]: gone })), good.url]);
      expect([outcome, relayWorks, good.offered]).toEqual(['delayed', false, []]);
    },
  );

  test('that breaks right after the 250 has delivered', async () => {
    const url = await rawRelay(dialogue({ END: (socket) => socket.end('250 2.0.0 queued\r\n') }));
    expect(await send(url)).toMatchObject({ outcome: 'accepted' });
  });
});

describe('TLS', () => {
  test('a certificate that nobody vouches for gets no mail: smtps and STARTTLS', async () => {
    const wrapped = await secureRelay({ secure: true });
    const upgraded = await secureRelay({});
    for (const [url, relay] of [
      [`smtps://${ELSEWHERE}:${wrapped.port}`, wrapped],
      [`smtp://${ELSEWHERE}:${upgraded.port}`, upgraded],
    ] as const) {
      const { outcome, reply } = await send(url);
      expect([outcome, relay.mails]).toEqual(['unreachable', 0]);
      expect(reply).toMatch(/certificate|altname|self.signed/i);
    }
  });

  // In a process of its own: the authorities to trust are read when it starts.
  async function sendTrusting(cert: Buffer, url: string, more: NodeJS.ProcessEnv = {}): Promise<Handover> {
    const directory = mkdtempSync(join(tmpdir(), 'oncelink-ca-'));
    closing.push(() => rmSync(directory, { recursive: true }));
    const authority = join(directory, 'ca.pem');
    writeFileSync(authority, cert);
    const program = join(import.meta.dirname, 'trusting-mailer.mjs');
    const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: authority, ...more };
    const { stdout } = await promisify(execFile)(process.execPath, [program, url], { env });
    return JSON.parse(stdout) as Handover;
  }
  const schemes = ['smtps', 'smtp'] as const;

  test.each(schemes)('a certificate that somebody trusted vouches for is good: %s', async (scheme) => {
    const { key, cert } = selfSigned(`IP:${ELSEWHERE}`);
    const relay = await secureRelay({ secure: scheme === 'smtps', key, cert });
    const handover = await sendTrusting(cert, `${scheme}://${ELSEWHERE}:${relay.port}`);
    expect(handover).toMatchObject({ outcome: 'accepted' });
    expect([relay.mails, relay.encrypted]).toEqual([1, 1]);
  });

  test.each(schemes)('the trusted certificate of another host is none: %s', async (scheme) => {
    const { key, cert } = selfSigned('IP:127.0.0.3');
    const relay = await secureRelay({ secure: scheme === 'smtps', key, cert });
    const handover = await sendTrusting(cert, `${scheme}://${ELSEWHERE}:${relay.port}`);
    expect(handover).toMatchObject({ outcome: 'unreachable', reply: expect.stringMatching(/altname/) });
    expect(relay.mails).toBe(0);
  });

  test.each(schemes)('below 1.2 is none, also where Node itself was told to take it: %s', async (scheme) => {
    const { key, cert } = selfSigned(`IP:${ELSEWHERE}`);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const relay = await secureRelay({ secure: scheme === 'smtps', key, cert, ...old });
    const NODE_OPTIONS = '--tls-min-v1.0 --tls-cipher-list=DEFAULT:@SECLEVEL=0';
    const handover = await sendTrusting(cert, `${scheme}://${ELSEWHERE}:${relay.port}`, { NODE_OPTIONS });
    expect([handover.outcome, relay.mails]).toEqual(['unreachable', 0]);
  });

  test('a relay whose STARTTLS was stripped gets no mail, and no log-in', async () => {
    const said: string[] = [];
    const relay = await secureRelay({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: ({ username }, _session, done) => (said.push(username!), done(null, { user: 'x' })),
    });
    expect(await send(`smtp://user:password@${ELSEWHERE}:${relay.port}`)).toMatchObject({ outcome: 'unreachable' });
    expect([relay.mails, said]).toEqual([0, []]);
  });
});

/** Stops listening without closing: once a few connections wait, the system lets no other in and refuses none. @returns its URL */
async function deafRelay(): Promise<string> {
  const server = `require('net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'pipe', 'inherit'] });
  closing.push(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const port = Number(line);
  const waiting = Array.from({ length: 5 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  closing.push(() => waiting.forEach((socket) => socket.destroy()));
  await once(waiting[0]!, 'connect');
  return `smtp://127.0.0.1:${port}`;
}

/** A mail after the relay has vanished without a word: the connection of the one before is still open, on our side. */
async function sendToVanished(): Promise<Handover> {
  let gone = false;
  const alive = dialogue({ END: (socket) => void (socket.write('250 fine\r\n'), (gone = true)) });
  const url = await rawRelay((socket) => {
    alive({ write: (text: string) => gone || socket.write(text), on: socket.on.bind(socket) } as never);
  });
  const mailer = new Mailer([createRelay(url)], SENDER);
  closing.push(() => mailer.close());
  expect(await mailer.send(letter())).toMatchObject({ outcome: 'accepted' });
  return mailer.send(letter());
}

// Ten seconds for the connection and the greeting, twenty for any other silence: all at once, in real time.
test('silence ends: no connection, no greeting, one byte a second, no answer to RCPT, a connection that is open on our side only', async () => {
  const mute = await rawRelay(() => {});
  const drip = await rawRelay((socket) => {
    const timer = setInterval(() => socket.write('2'), 1_000);
    socket.on('close', () => clearInterval(timer));
  });
  const stuck = await rawRelay(dialogue({ RCPT: () => {} }));
  const deaf = await deafRelay();
  const ended: string[] = [];
  const noted = (name: string, handover: Promise<Handover>) => handover.finally(() => ended.push(name));
  const outcomes = await Promise.all([
    noted('deaf', send(deaf)),
    noted('mute', send(mute)),
    noted('drip', send(drip)),
    noted('stuck', send(stuck)),
    noted('vanished', sendToVanished()),
  ]);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual([
    'unreachable',
    'unreachable',
    'unreachable',
    'delayed',
    'delayed',
  ]);
  // Who does not even take the call is given up before who falls silent in the middle.
  expect(ended.slice(0, 3).sort()).toEqual(['deaf', 'drip', 'mute']);
  expect(outcomes.every(({ relayWorks }) => !relayWorks)).toBe(true);
}, 60_000);

// Every byte keeps the socket alive; only the conversation as a whole has an end, after a minute and a half.
if (process.env.MAIL === 'full') {
  test('a relay that drips its answers is left in the end', async () => {
    const drip = (socket: Socket) => {
      const timer = setInterval(() => socket.write('2'), 1_000);
      socket.on('close', () => clearInterval(timer));
    };
    expect(await send(await rawRelay(dialogue({ RCPT: drip })))).toMatchObject({ outcome: 'delayed' });
  }, 120_000);
}

describe('the circuit of a relay', () => {
  test('opens after five failures in a row, lets one mail try after half a minute, and closes when that one is taken', async () => {
    const clock = new HandSetClock();
    let dials = 0;
    let alive = false;
    const url = await rawRelay((socket) => {
      dials += 1;
      if (alive) dialogue({})(socket);
      else socket.end('421 down\r\n');
    });
    const mailer = new Mailer([createRelay(url)], SENDER, clock.now);
    closing.push(() => mailer.close());
    const state = () => mailer.circuits()[0]!.circuit;
    for (let failure = 1; failure <= 5; failure++) {
      expect(state()).toBe('closed');
      await mailer.send(letter());
    }
    expect(state()).toBe('open');
    const before = dials;
    expect(await mailer.send(letter())).toMatchObject({ outcome: 'unreachable', log: [] });
    clock.advance(29);
    await mailer.send(letter());
    expect(dials).toBe(before);
    clock.advance(1);
    expect(state()).toBe('half-open');
    const probes = await Promise.all(Array.from({ length: 10 }, () => mailer.send(letter())));
    expect(probes.filter(({ log }) => log.length > 0)).toHaveLength(1);
    expect(state()).toBe('open');
    clock.advance(30);
    alive = true;
    expect(await mailer.send(letter())).toMatchObject({ outcome: 'accepted' });
    expect(state()).toBe('closed');
  });

  test('is not open for longer because the clock steps back', async () => {
    const clock = new HandSetClock();
    const mailer = new Mailer([createRelay(`smtp://127.0.0.1:${await freePort()}`)], SENDER, clock.now);
    closing.push(() => mailer.close());
    const state = () => mailer.circuits()[0]!.circuit;
    clock.advance(3600);
    for (let failure = 1; failure <= 5; failure++) await mailer.send(letter());
    expect(state()).toBe('open');
    clock.advance(-29);
    expect(state()).toBe('open');
    clock.advance(-3571);
    expect(state()).toBe('half-open');
  });

  test('does not mind letters that are taken back before it is told of them, nor gets the next relay them', async () => {
    const clock = new HandSetClock();
    const good = await Relay.start();
    closing.push(() => good.stop());
    let isMute = false;
    const mute = await rawRelay((socket) => void (isMute || socket.end('421 down\r\n')));
    const [alone, first] = [[mute], [mute, good.url]].map(
      (urls) =>
        new Mailer(
          urls.map((url) => createRelay(url)),
          SENDER,
          clock.now,
        ),
    ) as [Mailer, Mailer];
    closing.push(() => alone.close(), () => first.close()); // prettier-ignore
    const takenBack = async (mailer: Mailer): Promise<Handover> => {
      const wish = new AbortController();
      const handover = mailer.send(letter(), wish.signal);
      wish.abort();
      return handover;
    };
    for (let mail = 0; mail < 6; mail++) expect(await takenBack(first)).toMatchObject({ outcome: 'unreachable' });
    expect([first.circuits()[0]!.circuit, good.offered]).toEqual(['closed', []]);
    for (let failure = 1; failure <= 5; failure++) await alone.send(letter());
    clock.advance(30);
    isMute = true;
    // Each could be the one that is tried: the one before it has told nothing.
    for (let mail = 0; mail < 2; mail++) expect((await takenBack(alone)).log).toHaveLength(1);
    expect(alone.circuits()[0]!.circuit).toBe('half-open');
  });

  test('does not mind what a relay says to a mail', async () => {
    const relay = await Relay.start();
    closing.push(() => relay.stop());
    relay.reply = () => 451;
    const mailer = new Mailer([createRelay(relay.url)], SENDER);
    closing.push(() => mailer.close());
    for (let mail = 0; mail < 8; mail++) await mailer.send(letter());
    expect([mailer.circuits()[0]!.circuit, relay.offered.length]).toEqual(['closed', 8]);
  });
});

test('recipients at whom a relay hangs, nine at once, hold up none of the others', async () => {
  const relay = await Relay.start();
  closing.push(() => relay.stop());
  let release!: () => void;
  const hanging = new Promise<void>((resolve) => (release = resolve));
  relay.beforeAnswering = (recipient) => (recipient.startsWith('hangs') ? hanging : Promise.resolve());
  const mailer = new Mailer([createRelay(relay.url)], SENDER);
  closing.push(() => mailer.close());
  const stuck = Array.from({ length: 9 }, (_value, n) => mailer.send(letter(`hangs-${n}@example.com`)));
  await Promise.all(Array.from({ length: 100 }, (_value, n) => mailer.send(letter(`goes-${n}@example.com`))));
  expect(relay.received).toHaveLength(100);
  release();
  await Promise.all(stuck);
  expect(relay.received).toHaveLength(109);
});
