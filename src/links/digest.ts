import { createHash } from 'node:crypto';

/** SHA-256, base64url, of parts that cannot run into each other. */
export function digest(...parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('base64url');
}

/** The stored form of the state a link depends on: useless without the link, and for any other link. */
export function fingerprintOf(id: string, fingerprint: string): string {
  return digest('fingerprint', id, fingerprint);
}

/** RFC 7636 section 4.2, method S256. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** JSON with the members of every object in one order, so that equal bodies have equal digests. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
