import { existsSync } from 'node:fs';
import type { Algorithm } from '../../links/jwk-set.js';
import { newKey, type Jwk } from '../../links/new-key.js';
import { SETTINGS } from '../../settings.js';
import { Failure } from '../failure.js';
import { changeKeyFile, readKeys } from '../key-file-change.js';
import { livesOf } from '../key-lives.js';
import { count, iso, print, printJson, printTable } from '../output.js';

export interface FileOption {
  file?: string;
}
export interface RotateOptions extends FileOption {
  alg?: Algorithm;
  /** seconds until the new key signs */
  activateIn: number;
}

const TAKEN_OVER = 'Every running instance with this file takes that over by itself, within two seconds.';

export async function rotate({ alg, activateIn, file }: RotateOptions): Promise<void> {
  const path = keyFile(file);
  const now = Date.now();
  let made: Jwk | undefined;
  let older = 0;
  await changeKeyFile(path, async (keys, ring) => {
    made = await newKey(alg ?? ring?.keys[0].alg ?? 'HS256', now);
    older = keys.length;
    // Until then every instance has read the file: none meets a token of a key that it does not know.
    if (older > 0 && activateIn > 0) made = { ...made, nbf: Math.ceil(now / 1000) + activateIn };
    return [made, ...keys];
  });
  const { kid, alg: kind, nbf } = made!;
  print(
    `New ${kind} signing key ${kid}, first in ${path}; it signs ${nbf ? `from ${iso(Number(nbf) * 1000)} on` : 'now'}.`,
  );
  if (older > 0) {
    print(
      `${count(older, 'older key')} kept, so what is signed already stays good. \`oncelink signing-keys prune\` drops in time what is not needed any more.`,
    );
    print(TAKEN_OVER);
  }
  if (file !== undefined && process.env.SIGNING_KEYS_FILE?.trim() !== file)
    print(`The service reads the file that SIGNING_KEYS_FILE names.`);
}

export async function revoke(kid: string, { file }: FileOption): Promise<void> {
  const path = keyFile(file);
  let successor: Jwk | undefined;
  await changeKeyFile(path, async (keys) => {
    const revoked = keys.find((key) => key.kid === kid);
    if (!revoked) throw new Failure('There is no such signing key. `oncelink signing-keys list` shows them.');
    const others = keys.filter((key) => key !== revoked);
    if (others.length > 0) return others;
    successor = await newKey(revoked.alg, Date.now());
    return [successor];
  });
  print(`Signing key ${kid} is revoked: every token that it signed is void. ${TAKEN_OVER}`);
  if (successor) print(`It was the only one; the new ${successor.alg} key ${successor.kid} signs in its place.`);
}

export async function list({ file, json }: FileOption & { json?: true }): Promise<void> {
  const { ring } = await readKeys(existing(keyFile(file)));
  const lives = livesOf(ring, Date.now());
  const time = (at: number | undefined): string | null => iso(at || null);
  if (json) {
    const shown = lives.map((life) => ({
      ...life,
      madeAt: time(life.madeAt),
      signsFrom: time(life.signsFrom),
      endsAt: time(life.endsAt),
    }));
    return printJson(shown);
  }
  const rows = lives.map(({ kid, alg, state, madeAt, signsFrom, endsAt }) => [
    kid,
    alg,
    state,
    time(madeAt) ?? '-',
    time(signsFrom) ?? '-',
    time(endsAt) ?? '-',
  ]);
  printTable(['KID', 'ALG', 'STATE', 'MADE', 'SIGNS FROM', 'NEEDED UNTIL'], rows, '');
}

export async function prune({ file }: FileOption): Promise<void> {
  const path = existing(keyFile(file));
  let dropped: string[] = [];
  await changeKeyFile(path, async (keys, ring) => {
    const now = Date.now();
    dropped = livesOf(ring!, now).flatMap(({ kid, endsAt = Infinity }) => (endsAt <= now ? [kid] : []));
    return dropped.length === 0 ? undefined : keys.filter(({ kid }) => !dropped.includes(kid));
  });
  print(
    dropped.length === 0
      ? 'Every key is still needed, or its file does not say since when it is not.'
      : `Dropped ${dropped.join(', ')}: nothing that they signed is good any more.`,
  );
}

/** @returns the file that the service reads, or the one that was named. @throws Failure */
function keyFile(named: string | undefined): string {
  if (process.env.SIGNING_KEYS?.trim()) {
    throw new Failure(
      'SIGNING_KEYS holds the keys themselves, which no command can change. Put its value into a file that only the ' +
        "service's user can read, name that file in SIGNING_KEYS_FILE, take SIGNING_KEYS out, and try again.",
    );
  }
  const path = named ?? process.env.SIGNING_KEYS_FILE?.trim();
  if (path) return path;
  if (process.env.NODE_ENV?.trim() === 'production')
    throw new Failure('SIGNING_KEYS_FILE is not set. Set it, or say --file <path>.');
  return SETTINGS.find(({ name }) => name === 'SIGNING_KEYS_FILE')!.development!;
}

/** @throws Failure */
function existing(path: string): string {
  if (existsSync(path)) return path;
  throw new Failure(
    `There is no key file ${path} yet. \`oncelink signing-keys rotate\` makes it, and so does the first start.`,
  );
}
