import { createPrivateKey, createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** With what mails are signed (RFC 6376); the public key is in the DNS at `<selector>._domainkey.<domain>`. */
export interface DkimKey {
  readonly domainName: string;
  readonly keySelector: string;
  /** PEM */
  readonly privateKey: string;
}

const LABELS = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

const isDomain = (text: string): boolean => LABELS.test(text) && text.includes('.') && text.length <= 253;
const isSelector = (text: string): boolean => LABELS.test(text) && text.length <= 63;

/** All three or none: half a signature would be no signature, and nobody would notice. */
export function readDkim(
  env: Readonly<Record<string, string | undefined>>,
  fault: (name: string, problem: string) => void,
): DkimKey | undefined {
  const names = ['DKIM_DOMAIN', 'DKIM_SELECTOR', 'DKIM_KEY_FILE'] as const;
  const [domainName = '', keySelector = '', file = ''] = names.map((name) => env[name]?.trim() ?? '');
  if (!domainName && !keySelector && !file) return undefined;
  for (const name of names)
    if (!env[name]?.trim()) fault(name, `is needed with ${names.filter((other) => other !== name).join(' and ')}`);
  if (domainName && !isDomain(domainName)) fault('DKIM_DOMAIN', 'is not valid: a domain such as example.com');
  if (keySelector && !isSelector(keySelector)) fault('DKIM_SELECTOR', 'is not valid: a name such as mail2026');
  if (!file) return undefined;
  let privateKey = '';
  try {
    privateKey = readFileSync(file, 'utf8');
  } catch {
    fault('DKIM_KEY_FILE', 'names a file that does not exist or cannot be read by this user');
    return undefined;
  }
  const problem = dkimKeyFault(privateKey);
  if (problem) fault('DKIM_KEY_FILE', problem);
  return { domainName, keySelector, privateKey };
}

/** @returns what is wrong with the PEM of a private key, or undefined; RFC 8301 section 3.2 asks for RSA of 1024 bits at least */
function dkimKeyFault(pem: string): string | undefined {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'rsa' || key.asymmetricKeyDetails!.modulusLength! < 1024)
      return 'must hold an RSA key of at least 1024 bits (2048 are usual)';
    createSign('RSA-SHA256').update('').sign(key);
    return undefined;
  } catch {
    return 'must hold a private RSA key in PEM, without a passphrase';
  }
}
