import { readFileSync, statSync, type Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { KeySetError } from './jwk-set.js';
import { KeyRing } from './key-ring.js';

/** How often the file is looked at, in ms: what is taken out of it is void everywhere within twice that. */
const LOOK_EVERY = 1_000;

export type KeyEvent = 'signing keys read' | 'signing keys not usable' | 'signing keys open to others';

/**
 * @param strict whether a file that other users can read is refused
 * @throws KeySetError
 */
export function readKeyFile(path: string, strict: boolean): KeyRing {
  try {
    return readContents(statSync(path), readFileSync(path, 'utf8'), strict);
  } catch (error) {
    throw asKeySetError(error);
  }
}

/**
 * PostgreSQL's rule for private keys: one's own file is for its owner alone; one of root's may be for the group, too,
 * which is how orchestrators hand out secrets. @returns what is wrong, or undefined
 */
export function modeFault({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): string | undefined {
  if (process.platform === 'win32') return undefined;
  const forbidden = uid === 0 && process.getuid?.() !== 0 ? 0o037 : 0o077;
  if ((mode & forbidden) === 0) return undefined;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return `names a file that other users of this machine can get at (mode ${octal}): chmod 600 it`;
}

/**
 * Follows a key file while the service runs. It is read anew rather than watched: that works the same for a file that is
 * written, renamed into place, or behind a link that is turned, and on every file system. What cannot be used changes
 * nothing: the keys of before stay in force.
 */
export class KeyFile {
  private seen: string | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param ring the keys that were read from the file at start; they are replaced in place */
  constructor(
    private readonly path: string,
    private readonly strict: boolean,
    private readonly ring: KeyRing,
    private readonly log: (event: KeyEvent, facts: Record<string, unknown>) => void,
  ) {}

  follow(): void {
    this.timer ??= setInterval(() => void this.look(), LOOK_EVERY).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Takes over what has changed. Never fails: a fault is logged, once. */
  async look(): Promise<void> {
    try {
      const [stats, text] = await Promise.all([stat(this.path), readFile(this.path, 'utf8')]);
      if (!this.isNews(`${stats.mode} ${text}`)) return;
      this.ring.replaceBy(readContents(stats, text, this.strict));
      this.log('signing keys read', { keys: this.ring.keys.map(({ kid }) => kid) });
      const fault = modeFault(stats);
      if (fault !== undefined) this.log('signing keys open to others', { fault });
    } catch (error) {
      const { faults } = asKeySetError(error);
      if (error instanceof KeySetError || this.isNews(faults.join())) this.log('signing keys not usable', { faults });
    }
  }

  private isNews(state: string): boolean {
    const news = state !== this.seen;
    this.seen = state;
    return news;
  }
}

function readContents(stats: Stats, text: string, strict: boolean): KeyRing {
  const fault = strict ? modeFault(stats) : undefined;
  if (fault !== undefined) throw new KeySetError([fault]);
  return KeyRing.fromJwks(text);
}

function asKeySetError(error: unknown): KeySetError {
  if (error instanceof KeySetError) return error;
  const { code } = error as NodeJS.ErrnoException;
  return new KeySetError([
    code === 'ENOENT'
      ? 'names a file that does not exist; `oncelink signing-keys rotate` makes one'
      : `cannot be read by this user (${code})`,
  ]);
}
