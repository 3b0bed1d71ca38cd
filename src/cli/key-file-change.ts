import { existsSync } from 'node:fs';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeySetError } from '../links/jwk-set.js';
import { KeyRing } from '../links/key-ring.js';
import type { Jwk } from '../links/new-key.js';
import { Failure, reasonOf } from './failure.js';

const OWNER_ONLY = 0o600;

/**
 * @param keys as they stand in the file
 * @param ring the same, read; undefined if there is no file yet
 * @returns the keys to put in their place, or undefined to leave the file alone
 */
export type Change = (keys: readonly Jwk[], ring: KeyRing | undefined) => Promise<readonly Jwk[] | undefined>;

/**
 * Changes a JWK Set file. Readers see the old set or the new one, never half of one: it is written beside the file,
 * flushed and renamed, and its new name is flushed as well. The file beside it is the lock, too: of two changes at once
 * neither is lost.
 * @throws Failure
 */
export async function changeKeyFile(path: string, change: Change): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // A link to the file stays a link.
    await changeIn(existsSync(path) ? await realpath(path) : path, change);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`The key file cannot be changed: ${reasonOf(error)}.`);
  }
}

/** @throws Failure if it is no sound key set */
export async function readKeys(path: string): Promise<{ keys: Jwk[]; ring: KeyRing }> {
  const text = await readFile(path, 'utf8');
  try {
    return { ring: KeyRing.fromJwks(text), keys: (JSON.parse(text) as { keys: Jwk[] }).keys };
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error;
    throw new Failure(
      `${path} is left as it is; mend it first:\n${error.faults.map((fault) => `  it ${fault}`).join('\n')}`,
    );
  }
}

async function changeIn(path: string, change: Change): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'wx', OWNER_ONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new Failure(`Another rotation is under way. If there is none, remove ${beside} and try again.`);
  });
  try {
    const { keys, ring } = existsSync(path) ? await readKeys(path) : { keys: [], ring: undefined };
    const changed = await change(keys, ring);
    if (changed === undefined) return await rm(beside);
    await file.writeFile(`${JSON.stringify({ keys: changed }, null, 2)}\n`);
    await handOver(file, path);
    await file.sync();
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  // The file beside may be another's by now.
  await flushDirectory(dirname(path));
}

/** Until then a power cut may bring the old file back, with a key in it that was revoked. */
async function flushDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path);
    await directory.sync().finally(() => directory.close());
  } catch (error) {
    // Some platforms and file systems cannot flush a directory, or not even open one.
    if (!['EINVAL', 'EPERM', 'EACCES', 'EISDIR'].includes((error as NodeJS.ErrnoException).code!)) throw error;
  }
}

/** Rotating as root must not lock the service's user out, nor one who reads as a member of the file's group. */
async function handOver(file: Awaited<ReturnType<typeof open>>, path: string): Promise<void> {
  if (!existsSync(path)) return;
  const [before, after] = await Promise.all([stat(path), file.stat()]);
  if (before.uid !== after.uid || before.gid !== after.gid) {
    await file.chown(before.uid, before.gid).catch(() => {
      throw new Failure(`${path} belongs to another user. Rotate as that user, so that the service can still read it.`);
    });
  }
  // Readable by everyone was no decision; readable by the group alone was one.
  await file.chmod(before.mode & 0o007 ? OWNER_ONLY : OWNER_ONLY | (before.mode & 0o040));
}
