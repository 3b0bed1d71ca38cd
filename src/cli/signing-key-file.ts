import { generateKeyPair, randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { KeyRing, KeySetError, type Algorithm } from '../links/key-ring.js';
import { Failure, reasonOf } from './failure.js';

type Jwk = Record<string, unknown>;
const OWNER_ONLY = 0o600;

export interface Rotation {
  readonly kid: string;
  readonly signer: Algorithm;
  /** how many older keys still verify */
  readonly kept: number;
}

/**
 * Puts a new key first in a JWK Set file. Readers see the old set or the new one, never half of one: it is written
 * beside the file, flushed and renamed. The file beside it is the lock, too: of two rotations at once neither is lost.
 * @throws Failure
 */
export async function rotateKeyFile(path: string, alg?: Algorithm): Promise<Rotation> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // A link to the file stays a link.
    return await rotateIn(existsSync(path) ? await realpath(path) : path, alg);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`The key file cannot be changed: ${reasonOf(error)}.`);
  }
}

async function rotateIn(path: string, alg?: Algorithm): Promise<Rotation> {
  const beside = `${path}.new`;
  const file = await open(beside, 'wx', OWNER_ONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new Failure(`Another rotation is under way. If there is none, remove ${beside} and try again.`);
  });
  try {
    const { keys, signer } = await readKeys(path);
    const jwk = await newKey(alg ?? signer ?? 'HS256');
    await file.writeFile(`${JSON.stringify({ keys: [jwk, ...keys] }, null, 2)}\n`);
    await handOver(file, path);
    await file.sync();
    await rename(beside, path);
    return { kid: jwk.kid as string, signer: jwk.alg as Algorithm, kept: keys.length };
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** @returns the keys as they stand in the file, and what the present one signs with */
async function readKeys(path: string): Promise<{ keys: Jwk[]; signer?: Algorithm }> {
  if (!existsSync(path)) return { keys: [] };
  const text = await readFile(path, 'utf8');
  try {
    const { signer } = KeyRing.fromJwks(text);
    return { keys: (JSON.parse(text) as { keys: Jwk[] }).keys, signer: signer.alg };
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error;
    throw new Failure(
      `${path} is left as it is; mend it first:\n${error.faults.map((fault) => `  it ${fault}`).join('\n')}`,
    );
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

async function newKey(alg: Algorithm): Promise<Jwk> {
  return { ...(await newMaterial(alg)), alg, kid: randomUUID().slice(0, 8), use: 'sig' };
}

async function newMaterial(alg: Algorithm): Promise<Jwk> {
  const generate = promisify(generateKeyPair);
  switch (alg) {
    case 'HS256':
      return { kty: 'oct', k: randomBytes(32).toString('base64url') };
    case 'ES256':
      return { ...(await generate('ec', { namedCurve: 'P-256' })).privateKey.export({ format: 'jwk' }) };
    case 'RS256':
      return { ...(await generate('rsa', { modulusLength: 3072 })).privateKey.export({ format: 'jwk' }) };
  }
}
