import type { SendMailOptions } from 'nodemailer';
import type { Clock } from '../clock.js';
import { Circuit, type CircuitState } from './circuit.js';
import type { LetterText } from './letters.js';
import { LOGO_CID } from './logo.js';
import type { Transport } from './transports.js';
import { accepted, verdictOf, type Attempt, type Verdict } from './verdict.js';

export interface Letter extends LetterText {
  /** for the dev inbox only; no header */
  readonly purpose?: string;
  /** one plain address */
  readonly to: string;
  /** undefined: the service's own sender */
  readonly from?: Sender;
  /** where answers go, if not to the sender */
  readonly replyTo?: string;
  /** without angle brackets; the same for every attempt at one mail */
  readonly messageId: string;
}

/** The sender people see: `Name <address>`. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** How one attempt ended, and every relay that was asked in it. */
export interface Handover extends Verdict {
  readonly relay: string;
  readonly log: readonly Attempt[];
}

/** Longest conversation about one mail, in ms: a relay that answers byte by byte never runs into a socket's time-out. */
const CONVERSATION = 90_000;

/** Hands letters to the relays. */
export class Mailer {
  private readonly relays: readonly { readonly transport: Transport; readonly circuit: Circuit }[];

  /**
   * @param transports tried in order within one attempt, when one cannot be reached
   * @param sender of letters that name none
   */
  constructor(
    transports: readonly Transport[],
    private readonly sender: Sender,
    private readonly clock: Clock = Date.now,
  ) {
    this.relays = transports.map((transport) => ({ transport, circuit: new Circuit(clock) }));
  }

  /** How many mails to have under way at once: while some are claimed, written or settled, others have the connections. */
  get parallel(): number {
    return 6 * Math.max(...this.relays.map(({ transport }) => transport.connections));
  }

  /** The relays and whether mails are tried there. */
  circuits(): { relay: string; circuit: CircuitState }[] {
    return this.relays.map(({ transport, circuit }) => ({ relay: transport.name, circuit: circuit.state }));
  }

  /**
   * One attempt: the first relay that can be reached decides. Never throws for what a relay does.
   * @param signal takes the letter back, unless a relay has begun to take it
   */
  async send(letter: Letter, signal?: AbortSignal): Promise<Handover> {
    const log: Attempt[] = [];
    let last: Verdict & { relay: string } = NOBODY_ASKED;
    for (const { transport, circuit } of this.relays) {
      if (signal?.aborted || !circuit.admits()) continue;
      const at = this.clock();
      const verdict = await this.ask(transport, letter, signal);
      // Taken back says nothing about the relay.
      if (signal?.aborted && verdict.outcome === 'unreachable') circuit.withdraw();
      else circuit.report(verdict.relayWorks);
      log.push({ at, relay: transport.name, outcome: verdict.outcome, reply: verdict.reply });
      last = { ...verdict, relay: transport.name };
      if (verdict.outcome !== 'unreachable') break;
    }
    return { ...last, log };
  }

  close(): void {
    for (const { transport } of this.relays) transport.close();
  }

  private async ask(transport: Transport, letter: Letter, signal?: AbortSignal): Promise<Verdict> {
    let begun = false;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), CONVERSATION);
    const takeBack = (): void => void (begun || patience.abort());
    signal?.addEventListener('abort', takeBack);
    const silence = new Promise<never>((_resolve, reject) => {
      // Who listens to the signal has answered by then; who does not, such as a file system, may take the mail yet.
      const giveUp = (): void => {
        begun = true;
        reject(new Error(signal?.aborted ? 'taken back' : `no answer within ${CONVERSATION / 1000} s`));
      };
      patience.signal.addEventListener('abort', () => setImmediate(giveUp));
    });
    try {
      const message = { ...this.compose(letter), signal: patience.signal };
      const answer = transport.send(message, () => (begun = true));
      return accepted(await Promise.race([answer, silence]));
    } catch (error) {
      return verdictOf(error as Error, begun);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', takeBack);
    }
  }

  private compose({
    purpose,
    to,
    from = this.sender,
    replyTo,
    subject,
    text,
    html,
    logo,
    messageId,
  }: Letter): SendMailOptions {
    return {
      ...(purpose !== undefined && { purpose }),
      from,
      to: { name: '', address: to },
      ...(replyTo !== undefined && { replyTo: { name: '', address: replyTo } }),
      envelope: { from: from.address, to: [to] },
      // Of our domain, not the app's: a sender that is changed between two attempts must not make two mails of one.
      messageId: `<${messageId}@${this.sender.address.split('@')[1]}>`,
      subject,
      text,
      html,
      ...(logo && {
        attachments: [{ cid: LOGO_CID, content: logo.content, contentType: logo.type, contentDisposition: 'inline' }],
      }),
      textEncoding: 'quoted-printable',
      // RFC 3834 section 5, and Exchange's own word for it: no out-of-office answers.
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      disableFileAccess: true,
      disableUrlAccess: true,
    };
  }
}

const NOBODY_ASKED = {
  relay: 'no relay',
  outcome: 'unreachable',
  reply: 'none can be reached at the moment',
  noSuchMailbox: false,
  relayWorks: false,
} as const;

/** @returns the sender, or undefined for anything that is not `Name <address>` or a plain address */
export function parseSender(text: string): Sender | undefined {
  const [, name = '', address = text.trim()] = /^"?([^"<>\p{Cc}]*?)"?\s*<([^<>]*)>$/u.exec(text.trim()) ?? [];
  return /^[^<>\s@"]+@[^<>\s@"]+$/.test(address) ? { name: name.trim(), address } : undefined;
}
