import type { SendMailOptions } from 'nodemailer';
import type { LetterText } from './letters.js';
import type { Transport } from './transports.js';

export interface Letter extends LetterText {
  /** one plain address */
  readonly to: string;
  /** without angle brackets; the same for every attempt at one mail */
  readonly messageId: string;
}

/** The sender people see: `Name <address>`. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** Why a mail could not be handed over. `permanent`: the relay said never (5xx), so asking again is pointless. */
export class DeliveryFailure extends Error {
  constructor(
    readonly permanent: boolean,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface SmtpError extends Error {
  code?: string;
  command?: string;
  responseCode?: number;
  response?: string;
}

/** The stages of the mail transaction itself (RFC 5321 section 3.3); a 5xx before them refuses us, not the mail. */
const TRANSACTION = new Set(['MAIL FROM', 'RCPT TO', 'DATA']);
/** nodemailer's codes for a relay that could not be reached or would not talk to us. */
const UNREACHABLE = new Set([
  'ECONNECTION',
  'ETIMEDOUT',
  'ESOCKET',
  'EDNS',
  'ETLS',
  'EAUTH',
  'EPROTOCOL',
  'ECONNREFUSED',
  'ENOTFOUND',
]);

/** Hands letters to the relays. */
export class Mailer {
  /** @param relays tried in order within one attempt, when one cannot be reached */
  constructor(
    private readonly relays: readonly Transport[],
    private readonly sender: Sender,
  ) {}

  /** @returns the name of the relay that accepted the mail (2xx). @throws DeliveryFailure */
  async send(letter: Letter): Promise<string> {
    const message = this.compose(letter);
    let last: DeliveryFailure | undefined;
    for (const relay of this.relays) {
      try {
        const { envelope } = await relay.send(message);
        // nodemailer repairs odd addresses; what it really sent must be exactly what was asked for.
        if (envelope.to.length !== 1 || envelope.to[0] !== letter.to)
          throw new DeliveryFailure(true, 'the envelope was altered');
        return relay.name;
      } catch (error) {
        last = failureOf(error as Error, relay.name);
        if (!isUnreachable(error as SmtpError)) break;
      }
    }
    throw last ?? new DeliveryFailure(false, 'no relay is configured');
  }

  close(): void {
    for (const relay of this.relays) relay.close();
  }

  private compose({ to, subject, text, html, messageId }: Letter): SendMailOptions {
    return {
      from: this.sender,
      to: { name: '', address: to },
      envelope: { from: this.sender.address, to: [to] },
      messageId: `<${messageId}@${this.sender.address.split('@')[1]}>`,
      subject,
      text,
      html,
      textEncoding: 'quoted-printable',
      // RFC 3834 section 5, and Exchange's own word for it: no out-of-office answers.
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      disableFileAccess: true,
      disableUrlAccess: true,
    };
  }
}

function isUnreachable(error: SmtpError): boolean {
  const beforeTransaction = !TRANSACTION.has(error.command ?? '');
  return UNREACHABLE.has(error.code ?? '') && beforeTransaction;
}

function failureOf(error: SmtpError | DeliveryFailure, relay: string): DeliveryFailure {
  if (error instanceof DeliveryFailure) return error;
  const permanent = (error.responseCode ?? 0) >= 500 && TRANSACTION.has(error.command ?? '');
  // Replies often repeat the address; it is known where it belongs and has no place in logs.
  const reply = (error.response ?? error.message)
    .replace(/[^\s<>]+@[^\s<>]+/g, '…')
    .replace(/[^\x20-\x7e…]+/g, ' ')
    .slice(0, 200);
  return new DeliveryFailure(permanent, `${relay}: ${reply}`, { cause: error });
}

/** @returns the sender, or undefined for anything that is not `Name <address>` or a plain address */
export function parseSender(text: string): Sender | undefined {
  const [, name = '', address = text.trim()] = /^"?([^"<>\p{Cc}]*?)"?\s*<([^<>]*)>$/u.exec(text.trim()) ?? [];
  return /^[^<>\s@"]+@[^<>\s@"]+$/.test(address) ? { name: name.trim(), address } : undefined;
}
