import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Mail } from './history.js';

/** What the sink says to a mail: yes, not now, or never. */
export type Word = 'yes' | 'later' | 'never';

/** A relay that keeps what matters to the judge of every mail it accepted, and the token that is in it. */
export class MailSink {
  readonly mails: Mail[] = [];
  /** The answer to a recipient; may be changed at any time. */
  answer: (recipient: string) => Word = () => 'yes';
  /** Awaited before a mail is accepted, to stand still in the middle of a delivery; whoever rejects refuses the mail. */
  beforeAccepting: (recipient: string) => Promise<void> = () => Promise.resolve();
  private readonly tokens = new Map<string, string[]>();
  private readonly waiting = new Map<string, (token: string) => void>();
  private server!: SMTPServer;
  url = '';

  static async start(): Promise<MailSink> {
    const sink = new MailSink();
    sink.server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onRcptTo: ({ address }, _session, done) => done(refusal(sink.answer(address))),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const to = (session.envelope.rcptTo as { address: string }[])[0]!.address;
          void sink.accept(to, Buffer.concat(chunks).toString('latin1')).then(() => done(), done);
        });
      },
    });
    // Clients are killed in the middle of a conversation here; that is the point.
    sink.server.on('error', () => {});
    await new Promise<void>((resolve) => sink.server.listen(0, '127.0.0.1', resolve));
    sink.url = `smtp://127.0.0.1:${(sink.server.server.address() as AddressInfo).port}`;
    return sink;
  }

  to(recipient: string): Mail[] {
    return this.mails.filter(({ to }) => to === recipient);
  }

  /** The tokens of the mails to a recipient, in the order in which they were accepted. */
  tokensTo(recipient: string): string[] {
    return this.tokens.get(recipient) ?? [];
  }

  /** The token of the first mail to a recipient, once it is there. */
  tokenFor(recipient: string): Promise<string> {
    const [token] = this.tokensTo(recipient);
    return token === undefined
      ? new Promise((resolve) => this.waiting.set(recipient, resolve))
      : Promise.resolve(token);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private async accept(to: string, raw: string): Promise<void> {
    await this.beforeAccepting(to);
    const [, messageId = ''] = /^Message-ID: *(\S+)/im.exec(raw) ?? [];
    // Quoted-printable folds long lines with "=" at the end (RFC 2045 section 6.7).
    const [, token = ''] = /\/l\/([\w.-]+)/.exec(raw.replaceAll('=\r\n', '')) ?? [];
    this.mails.push({ to, messageId, at: performance.now() });
    this.tokens.set(to, [...this.tokensTo(to), token]);
    this.waiting.get(to)?.(token);
    this.waiting.delete(to);
  }
}

function refusal(word: Word): Error | undefined {
  if (word === 'yes') return undefined;
  return Object.assign(new Error('no'), { responseCode: word === 'never' ? 550 : 451 });
}
