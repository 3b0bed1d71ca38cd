import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { access, constants, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { composed, type Part } from './composed.js';
import type { DkimKey } from './dkim.js';
import type { Inbox } from './inbox.js';

/** A way to hand a message to a relay. */
export interface Transport {
  /** for logs and errors: no credentials */
  readonly name: string;
  /** whether nothing goes there but over TLS, to whom the certificate names */
  readonly tls: boolean;
  /** it only keeps the mail: nobody gets any */
  readonly keeps?: true;
  /** conversations it can have at once */
  readonly connections: number;
  /**
   * @param message its `signal` ends the conversation. @param onBegun called when the relay begins to take the mail
   * @returns what the relay said when it accepted
   */
  send(message: SendMailOptions, onBegun?: () => void): Promise<string>;
  /** Greets the relay as `send` would: TLS, and the log-in if there is one. */
  verify(): Promise<unknown>;
  close(): void;
}

/** RFC 5321 section 4.5.3.2 allows minutes; people wait in front of a page, and there is a retry. In ms. */
const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000, dnsTimeout: 10_000 };
/** Messages are made from our own strings; nothing in them may make the mailer read a file or fetch a URL. */
const SEALED = { disableFileAccess: true, disableUrlAccess: true };
/** Few relays like more connections from one client. */
const CONNECTIONS = 10;

interface Scheme {
  /** @returns what is wrong, or undefined */
  fault(rest: string, url: string): string | undefined;
  open(rest: string, url: string, dkim?: DkimKey): Transport;
}

/** THE TRANSPORTS: URL scheme → nodemailer transport. Another way to send is another line. */
const TRANSPORTS: Record<string, Scheme> = {
  smtp: { fault: smtpFault, open: (_rest, url, dkim) => smtp(new URL(url), false, dkim) },
  smtps: { fault: smtpFault, open: (_rest, url, dkim) => smtp(new URL(url), true, dkim) },
  sendmail: { fault: pathFault, open: (path, _url, dkim) => sendmail(path, dkim) },
  file: { fault: pathFault, open: (directory, _url, dkim) => files(directory, dkim) },
};

/** @returns what is wrong with a relay's URL, or undefined; never repeats the URL, which may hold a password */
export function relayUrlFault(text: string): string | undefined {
  const { scheme, rest } = partsOf(text);
  return scheme ? scheme.fault(rest, text) : `must begin with one of ${Object.keys(TRANSPORTS).join(':, ')}:`;
}

/** @param dkim signs every mail, if there is one */
export function createRelay(text: string, dkim?: DkimKey): Transport {
  const { scheme, rest } = partsOf(text);
  return scheme!.open(rest, text, dkim);
}

function partsOf(text: string): { scheme: Scheme | undefined; rest: string } {
  const [, name = '', rest = ''] = /^([a-z]+):(?:\/\/)?(.*)$/s.exec(text) ?? [];
  return { scheme: Object.hasOwn(TRANSPORTS, name) ? TRANSPORTS[name] : undefined, rest };
}

function smtpFault(_rest: string, text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL, like smtp://user:password@relay.example.com:587';
  const { hostname, searchParams } = new URL(text);
  if (!hostname) return 'has no host';
  const known = [...searchParams.keys()].every((name) => name === 'connections');
  return known && /^(?:[1-9]\d?)?$/.test(searchParams.get('connections') ?? '')
    ? undefined
    : 'takes no parameter but connections, from 1 to 99';
}

function pathFault(path: string): string | undefined {
  return path && !path.includes('\0') ? undefined : 'needs a path';
}

function smtp(url: URL, secure: boolean, dkim?: DkimKey): Transport {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 465 : 587);
  const loopback = ['localhost', '127.0.0.1', '::1'].includes(host);
  const connections = Number(url.searchParams.get('connections')) || CONNECTIONS;
  const transport = create(
    {
      host,
      port,
      secure,
      requireTLS: !secure && !loopback,
      tls: { minVersion: 'TLSv1.2', rejectUnauthorized: !loopback },
      auth: url.username
        ? { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
        : undefined,
      pool: true,
      maxConnections: connections,
      maxMessages: 500,
      // A pooled connection may have gone stale; more than one other is not tried, there is a retry.
      maxRequeues: 1,
      ...TIMEOUTS,
    },
    dkim,
  );
  return {
    name: `${host}:${port}`,
    tls: !loopback,
    connections,
    send: async (message, onBegun) => (await transport.send(message, onBegun)).response,
    verify: () => transport.verify(),
    close: () => transport.close(),
  };
}

/** A program that queues what it is given, as every mail server brings one along. */
function sendmail(path: string, dkim?: DkimKey): Transport {
  return {
    name: `sendmail ${path}`,
    tls: false,
    connections: 2,
    send: async (message, onBegun) => {
      const { transporter, send } = create({ sendmail: true, path, newline: 'unix' }, dkim);
      // nodemailer lets the program run for as long as it likes, but what it starts it with is ours to choose: one that
      // hangs is killed, and none hangs because nobody reads what it prints.
      const { signal } = message;
      const options: SpawnOptions = { signal, killSignal: 'SIGKILL', stdio: ['pipe', 'ignore', 'ignore'] };
      const start = (program: string, args: string[]): ChildProcess =>
        spawn(program, args, options).once('spawn', () => onBegun?.());
      Object.assign(transporter, { _spawn: start });
      return (await send(message)).response;
    },
    // A bare name is looked for along PATH when it is started.
    verify: () => (path.includes('/') ? access(path, constants.X_OK) : Promise.resolve()),
    close: () => {},
  };
}

/** One .eml a mail, named by its Message-ID, so that a repeated mail is the same file; whole or not there. */
function files(directory: string, dkim?: DkimKey): Transport {
  const transport = create({ streamTransport: true, buffer: true, newline: 'windows' }, dkim);
  return {
    name: `file ${directory}`,
    tls: false,
    keeps: true,
    connections: CONNECTIONS,
    send: async (message) => {
      const { message: raw, messageId } = await transport.send(message);
      const file = `${messageId.replace(/[^\w.@-]/g, '')}.eml`;
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, `.${file}`), raw);
      await rename(join(directory, `.${file}`), join(directory, file));
      return `kept as ${file.split('@')[0]}`;
    },
    verify: () => mkdir(directory, { recursive: true }),
    close: () => {},
  };
}

/** Development's transport: the message is composed as for a relay and kept in memory. */
export function inboxTransport(inbox: Inbox): Transport {
  const transport = create({ streamTransport: true, buffer: true, newline: 'windows' });
  return {
    name: 'dev inbox',
    tls: false,
    keeps: true,
    connections: CONNECTIONS,
    send: async (message) => {
      const { envelope, messageId, message: raw } = await transport.send(message);
      const { purpose } = message as { purpose?: string };
      inbox.receive({ from: envelope.from, to: envelope.to.join(', '), messageId, purpose, raw });
      return 'kept';
    },
    verify: () => Promise.resolve(true),
    close: () => {},
  };
}

/** What nodemailer tells of a message that was taken. */
interface Sent {
  readonly envelope: { from: string; to: string[] };
  readonly messageId: string;
  readonly response: string;
  readonly message: Buffer;
}

interface Sending {
  readonly data: { readonly envelope: { from: string; to: string[] }; readonly onBegun?: () => void };
  readonly message: Part & {
    getEnvelope(): { from: string | false; to: string[] };
    stream(output: Writable, options: unknown, written: () => void): void;
  };
}

/** A nodemailer transport that sends to exactly whom it was asked to, and tells when a relay begins to take a mail. */
function create(options: object, dkim?: DkimKey) {
  const transport = createTransport({ ...options, ...SEALED, ...(dkim && { dkim }) } as never);
  transport.use('stream', (sending, done) => {
    const { data, message } = sending as unknown as Sending;
    // nodemailer repairs odd addresses, into other people's mailboxes if need be.
    const { from, to } = message.getEnvelope();
    const { envelope } = data;
    if (from !== envelope.from || to.length !== 1 || to[0] !== envelope.to[0])
      return done(Object.assign(new Error('the envelope was altered'), { code: 'EENVELOPE' }));
    const whole = Buffer.from(composed(message));
    message.stream = (output, _options, written) => {
      data.onBegun?.();
      output.write(whole);
      written();
    };
    done();
  });
  return {
    transporter: transport.transporter,
    send: (message: SendMailOptions, onBegun?: () => void) =>
      transport.sendMail({ ...message, onBegun } as SendMailOptions) as unknown as Promise<Sent>,
    verify: () => transport.verify(),
    close: () => transport.close(),
  };
}
