import { hash, verify } from '@node-rs/argon2';

// argon2id with the library's own cost (19 MiB, two passes), which is what OWASP's password storage sheet asks for.
const MIN_LENGTH = 10;
const MAX_LENGTH = 200;

/** What is wrong with a password, in words for the person who chose it. `undefined`: nothing. */
export function passwordFault(password: string): string | undefined {
  if (password.length < MIN_LENGTH) return `Please use at least ${MIN_LENGTH} characters. A short sentence works well.`;
  if (password.length > MAX_LENGTH) return `Please keep it under ${MAX_LENGTH} characters.`;
  if (new Set(password).size < 4) return 'That one is easy to guess. Please mix in a few more different characters.';
  return undefined;
}

export const hashPassword = (password: string): Promise<string> => hash(password.normalize('NFC'));

/** Nobody's password: checked when the address is unknown, so that the time taken does not tell who has an account. */
const nobody = hashPassword(crypto.randomUUID());

export async function passwordMatches(password: string, stored: string | undefined): Promise<boolean> {
  const matches = await verify(stored ?? (await nobody), password.normalize('NFC'));
  return matches && stored !== undefined;
}
