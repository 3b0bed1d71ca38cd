import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

/** Keys that everybody has, because documents print their private half; by thumbprint. Too short ones need no line. */
const PUBLISHED = new Set([
  'y_x3gCJnL6oKGBBIXScabduwxTVy2Wd2bzRVEUbdUzc', // HS256: RFC 7515 appendix A.1, RFC 7517 appendix A.3
  'RtoRur_1Dir5M4wuOfqNkDYOf9O_4RJ-aHkTA75RLA8', // HS256: RFC 7520 section 3.5
  'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U', // ES256: RFC 7515 appendix A.3
  'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s', // ES256: RFC 7517 appendix A.2
  '19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8', // ES256: the example of jwt.io and of many tutorials
]);

/** RFC 7638: names the material of a key, whatever its kid and use. */
export function thumbprint(jwk: Record<string, unknown>): string {
  const { kty, k, crv, x, y, e, n } = jwk;
  const members = kty === 'oct' ? { k, kty } : kty === 'EC' ? { crv, kty, x, y } : { e, kty, n };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

export function isPublished(print: string): boolean {
  return PUBLISHED.has(print);
}

/** Of 32 random bytes, and of the steps between them, fewer are different less than once in 10^15 keys. */
const LEAST_VARIETY = 12;

/**
 * Whether bytes can have come from a random generator. People choose text, repeat what is too short, and count;
 * no test finds every bad key, these find the ones that are made by hand.
 */
export function looksRandom(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  // What `openssl rand -hex 32` prints is as good as the bytes it stands for.
  if (/^(?:[0-9a-f]{2}){32,}$/i.test(text)) return looksRandom(Buffer.from(text, 'hex'));
  const steps = bytes.map((byte, index) => byte - bytes[Math.max(0, index - 1)]!);
  return (
    /[^\x20-\x7e\s]/.test(text) &&
    new Set(bytes).size >= LEAST_VARIETY &&
    new Set(steps).size >= LEAST_VARIETY &&
    deflateRawSync(bytes).length >= bytes.length &&
    !isWords(bytes.toString('base64url'))
  );
}

/**
 * Words may have been taken for base64url themselves, and made longer: written again and again, or filled up with one
 * letter. Of random letters all are small, or the last eight the first, less than once in 10^9 keys.
 */
function isWords(text: string): boolean {
  // The last letter has fewer bits than were given.
  const letters = text.slice(0, -1).replace(/A+$/, '');
  for (let step = 1; step <= letters.length - 8; step++) if (letters.startsWith(letters.slice(step))) return true;
  const isHex = /^[0-9a-f]+$/.test(letters);
  return !isHex && !(/[A-Z]/.test(letters) && /[a-z]/.test(letters));
}
