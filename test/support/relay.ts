import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { eventually } from './service.js';

export interface Received {
  readonly from: string;
  /** every RCPT of the conversation */
  readonly to: readonly string[];
  readonly raw: string;
  readonly mail: Email;
}

/** What a relay says to a recipient: nothing for a yes, else the SMTP code, and the words if they matter. */
export type Reply = number | readonly [code: number, text: string] | undefined;

/** A real SMTP server that keeps what it accepts. */
export class Relay {
  readonly received: Received[] = [];
  /** every RCPT that was offered, accepted or not */
  readonly offered: string[] = [];
  /** how many there have ever been */
  connections = 0;
  /** The answer to a recipient; may be changed at any time. */
  reply: (recipient: string) => Reply = () => undefined;
  /** Awaited before a recipient is answered. */
  beforeAnswering: (recipient: string) => Promise<void> = () => Promise.resolve();
  /** Awaited before a mail is accepted, to stand still in the middle of a delivery. */
  beforeAccepting: () => Promise<void> = () => Promise.resolve();
  private server!: SMTPServer;
  port = 0;

  /** @param port 0 for any */
  static async start(port = 0): Promise<Relay> {
    const relay = new Relay();
    relay.server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onConnect: (_session, done) => ((relay.connections += 1), done()),
      onRcptTo: ({ address }, _session, done) => {
        relay.offered.push(address);
        void relay.beforeAnswering(address).then(() => done(refusal(relay.reply(address))));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on(
          'end',
          () => void relay.accept(Buffer.concat(chunks), session.envelope as never).then(() => done(), done),
        );
      },
    });
    // A client that goes away is nothing to fail a test over.
    relay.server.on('error', () => {});
    await new Promise<void>((resolve) => relay.server.listen(port, '127.0.0.1', resolve));
    relay.port = (relay.server.server.address() as AddressInfo).port;
    return relay;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  to(recipient: string): Received[] {
    return this.received.filter(({ to }) => to.includes(recipient));
  }

  /** The mail to a recipient, once it is there. */
  mailTo(recipient: string, count = 1): Promise<Received> {
    return eventually(() => this.to(recipient)[count - 1]);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private async accept(
    raw: Buffer,
    envelope: { mailFrom: { address: string }; rcptTo: { address: string }[] },
  ): Promise<void> {
    await this.beforeAccepting();
    this.received.push({
      from: envelope.mailFrom.address,
      to: envelope.rcptTo.map(({ address }) => address),
      raw: raw.toString(),
      mail: await PostalMime.parse(raw),
    });
  }
}

function refusal(reply: Reply): Error | undefined {
  if (reply === undefined) return undefined;
  const [code, text] = typeof reply === 'number' ? [reply, 'not now'] : reply;
  return Object.assign(new Error(text), { responseCode: code });
}

/** The link of a mail's text part; the only other address there may be that of "this wasn't me". */
export function urlIn(text: string | undefined): string {
  const [url, ...others] = text?.match(/https?:\/\/\S+/g) ?? [];
  if (url === undefined || others.some((other) => !other.includes('/r/')) || others.length > 1)
    throw new Error('expected one link, and one report at most');
  return url;
}

/** Where a mail's "this wasn't me" leads. */
export function reportUrlIn(text: string | undefined): string {
  return /https?:\/\/\S+\/r\/\S+/.exec(text ?? '')![0];
}
