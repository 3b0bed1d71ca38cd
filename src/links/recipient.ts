import { hash } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';

const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^(?:${LABEL}\\.)+(?=[a-z0-9-]*[a-z])${LABEL}$`);

/** A domain that IDNA has nothing to do with: lower-case labels without the hyphens of an A-label, and no address of a host. */
const PLAIN_DOMAIN = /^(?!.*--)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;

/**
 * The one canonical form of a mailbox address: dot-atom local part as given, domain in lower-case ASCII (IDNA).
 * Everything else that RFC 5322 would allow (lists, groups, comments, quoted local parts, literals) is refused,
 * because mailers "repair" such input into other people's mailboxes (CVE-2025-13033).
 * The result is stored, counted, reported and mailed, so these can never differ.
 * @returns the address (at most 254 characters, RFC 5321 section 4.5.3.1), or undefined
 */
export function parseRecipient(text: string): string | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  const typedDomain = text.slice(at + 1);
  if (at < 1 || text.length > 254 || local.length > 64 || !LOCAL_PART.test(local)) return undefined;
  if (PLAIN_DOMAIN.test(typedDomain)) return text;
  const domain = domainToASCII(typedDomain);
  if (!isPlainIdna(typedDomain, domain)) return undefined;
  if (!DOMAIN.test(domain) || local.length + 1 + domain.length > 254) return undefined;
  return `${local}@${domain}`;
}

/**
 * IDNA folds many characters onto others (U+212A onto k, fullwidth letters and dots, soft hyphens onto nothing). A domain
 * that only means something after folding is not plain: each label is either ASCII, or becomes an A-label (RFC 5890).
 */
function isPlainIdna(typed: string, domain: string): boolean {
  const folded = typed.normalize('NFC').toLowerCase();
  if (domain !== folded && domainToUnicode(domain) !== folded) return false;
  const labels = domain.split('.');
  return typed.split('.').every((label, index) => /^[\x21-\x7e]+$/.test(label) || labels[index]!.startsWith('xn--'));
}

/**
 * What limits and look-ups count by: case and plus-tags of the local part folded, then hashed to a short,
 * fixed-length key. Only for counting; mail always goes to the address itself.
 */
export function recipientKey(recipient: string): string {
  return shortHash(recipient.replace(TAG, '').toLowerCase());
}

/**
 * The key of the address with its plus-tag, or null for one without: then it is the `recipientKey`. Anybody can invent
 * a tag, so that `ann+x@` is refused must not keep mail from `ann@`.
 */
export function addressKey(recipient: string): string | null {
  return TAG.test(recipient) ? shortHash(recipient.toLowerCase()) : null;
}

const TAG = /(?<=.)\+.*(?=@)/;

/** @returns whether this is an IPv4 or IPv6 address, without a zone */
export function isClientAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

/**
 * Who a client is to whoever counts: an IPv4 address, or the /64 of an IPv6 one, which is the least that anybody is given.
 * What a proxy calls an address and is none stands for itself.
 */
export function clientNetwork(text: string): string {
  if (isIP(text) !== 6) return text;
  const canonical = new SocketAddress({ address: text.split('%')[0], family: 'ipv6' }).address;
  // RFC 4291 section 2.5.5.2; `::ffff:102` begins alike and is none.
  const [, mapped = ''] = /^::ffff:(.+)$/.exec(canonical) ?? [];
  if (isIP(mapped) === 4) return mapped;
  const [head = [], tail = []] = canonical.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}

/** The form in which a client is stored. */
export function clientKey(address: string): string {
  return shortHash(clientNetwork(address));
}

function shortHash(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22);
}
