/** One try at handing a mail to a relay. */
export interface Attempt {
  /** ms since the epoch */
  readonly at: number;
  readonly relay: string;
  /** `unreachable`: the relay was not asked about this mail, so another one may be */
  readonly outcome: 'accepted' | 'delayed' | 'refused' | 'unreachable';
  /** what the relay said, or what went wrong; without addresses and tokens */
  readonly reply: string;
}

/** What a relay's answer means for the mail, and for the relay. */
export interface Verdict extends Pick<Attempt, 'outcome' | 'reply'> {
  /** the relay says that the mailbox does not exist, so that no other mail will reach it either */
  readonly noSuchMailbox: boolean;
  /** whether the relay does its work; a refusal is work, too */
  readonly relayWorks: boolean;
}

/** What nodemailer's transports throw. */
interface TransportError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** The commands that are about this mail (RFC 5321 section 3.3); a no to any other is about us or the relay. */
const TRANSACTION = new Set(['MAIL FROM', 'RCPT TO', 'DATA']);
/** A relay that wants us to log in or to encrypt first says so this late (RFC 4954 section 6, RFC 3207 section 4). */
const ABOUT_US = new Set([530, 534, 535, 538]);
/** Enhanced codes of a bad destination address (RFC 3463 section 3.2), without those of a bad sender. */
const BAD_MAILBOX = /\b5\.(?:1\.(?![78]\b)\d+|2\.1)\b/;
const ENHANCED = /\b5\.\d{1,3}\.\d{1,3}\b/;
/** Replies without an enhanced code that refuse the sender, whatever the mailbox. */
const POLICY = /relay|polic|spam|block|authenti|sender/i;
/** What nodemailer says of a letter that it takes to nobody; of sendmail, if the program was not even started. */
const UNSENDABLE = new Set(['EENVELOPE', 'EMESSAGE', 'ESENDMAIL', 'EFILEACCESS', 'EURLACCESS']);
/** Characters of a reply that are looked at. */
const SEARCHED = 1_000;
/** `sysexits.h`: what a sendmail program ends with. */
const NO_USER = 67;
const NEVER = new Set([64, 65, 68, 70]);

export function accepted(reply: string): Verdict {
  return { outcome: 'accepted', reply: harmless(reply), noSuchMailbox: false, relayWorks: true };
}

/** @param begun whether the relay had begun to take the mail: what then breaks off may have been taken */
export function verdictOf(error: TransportError, begun: boolean): Verdict {
  const reply = harmless(error.response ?? error.message);
  const verdict = (outcome: Verdict['outcome'], relayWorks: boolean, noSuchMailbox = false): Verdict => ({
    outcome,
    reply,
    relayWorks,
    noSuchMailbox,
  });
  if (error.code === 'ESENDMAIL' && begun) {
    const exit = Number(/exited with code (\d+)/.exec(error.message)?.[1]);
    if (exit === NO_USER || NEVER.has(exit)) return verdict('refused', true, exit === NO_USER);
    return verdict('delayed', false);
  }
  const code = error.responseCode;
  if (code !== undefined && TRANSACTION.has(error.command ?? '') && !ABOUT_US.has(code)) {
    if (code < 500) return verdict('delayed', true);
    return verdict('refused', true, isBadMailbox(error.command!, code, reply));
  }
  // Such a letter gets no better by waiting. An answer without a number is the relay's fault.
  if (error.response === undefined && UNSENDABLE.has(error.code ?? '')) return verdict('refused', true);
  return verdict(begun && code === undefined ? 'delayed' : 'unreachable', false);
}

/**
 * A refused mailbox, not a refused mail: content, policy and size say nothing about the address. At the end of DATA only
 * an enhanced code can tell.
 */
function isBadMailbox(command: string, code: number, reply: string): boolean {
  if (command === 'MAIL FROM') return false;
  if (ENHANCED.test(reply)) return BAD_MAILBOX.test(reply);
  return command === 'RCPT TO' && [550, 551, 553].includes(code) && !POLICY.test(reply);
}

/** Replies repeat addresses, filters also the link they did not like: neither has a place in rows and logs. */
function harmless(reply: string): string {
  return beginningOf(reply)
    .replace(/[^\s<>]+@[^\s<>]+|eyJ[\w.-]+/g, '…')
    .replace(/[^\x20-\x7e…]+/g, ' ')
    .trim()
    .slice(0, 200);
}

/**
 * A relay may say a megabyte, and to search it takes as long as it is long, squared. Cut between two words: what is left of
 * half an address would not be known for one.
 */
function beginningOf(reply: string): string {
  return reply.length <= SEARCHED ? reply : reply.slice(0, SEARCHED).replace(/\S*$/, '…');
}
