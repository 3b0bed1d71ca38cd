import { createTransport, type SendMailOptions } from 'nodemailer';
import type { Inbox } from './inbox.js';

/** A way to hand a message to a relay; the promise settles with the relay's answer. */
export interface Transport {
  /** for logs and errors: no credentials */
  readonly name: string;
  send(message: SendMailOptions): Promise<{ accepted: unknown[]; envelope: { to: string[] } }>;
  /** Greets the relay as `send` would: TLS, and the log-in if there is one. */
  verify(): Promise<unknown>;
  close(): void;
}

/** RFC 5321 section 4.5.3.2 allows minutes; people wait in front of a page, and there is a retry. In ms. */
const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000, dnsTimeout: 10_000 };
/** Messages are made from our own strings; nothing in them may make the mailer read a file or fetch a URL. */
const SEALED = { disableFileAccess: true, disableUrlAccess: true };

/** THE TRANSPORTS: URL scheme → nodemailer transport. Another way to send is another line. */
const TRANSPORTS: Record<string, (url: URL) => Transport> = {
  'smtp:': (url) => smtp(url, false),
  'smtps:': (url) => smtp(url, true),
};

/** @returns what is wrong with a relay's URL, or undefined; never repeats the URL, which may hold a password */
export function relayUrlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL, like smtp://user:password@relay.example.com:587';
  const url = new URL(text);
  if (!TRANSPORTS[url.protocol]) return `must begin with one of ${Object.keys(TRANSPORTS).join('//, ')}//`;
  return url.hostname ? undefined : 'has no host';
}

export function createRelay(text: string): Transport {
  const url = new URL(text);
  return TRANSPORTS[url.protocol]!(url);
}

function smtp(url: URL, secure: boolean): Transport {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 465 : 587);
  const loopback = ['localhost', '127.0.0.1', '::1'].includes(host);
  const transport = createTransport({
    host,
    port,
    secure,
    requireTLS: !secure && !loopback,
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: !loopback },
    auth: url.username ? { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } : undefined,
    pool: true,
    maxConnections: 5,
    maxMessages: 500,
    ...TIMEOUTS,
    ...SEALED,
  } as never);
  return {
    name: `${host}:${port}`,
    send: (message) => transport.sendMail(message),
    verify: () => transport.verify(),
    close: () => transport.close(),
  };
}

/** Development's transport: the message is composed as for a relay and kept in memory. */
export function inboxTransport(inbox: Inbox): Transport {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows', ...SEALED } as never);
  return {
    name: 'dev inbox',
    send: async (message) => {
      const info = (await transport.sendMail(message)) as never as {
        envelope: { from: string; to: string[] };
        messageId: string;
        message: Buffer;
      };
      inbox.receive({
        from: info.envelope.from,
        to: info.envelope.to.join(', '),
        messageId: info.messageId,
        raw: info.message,
      });
      return { accepted: info.envelope.to, envelope: info.envelope };
    },
    verify: () => Promise.resolve(true),
    close: () => transport.close(),
  };
}
