import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/**
 * A file that somebody has open. Deleted, moved or replaced, it can be written to all the same, and nobody will find what
 * was written. On file systems without inodes, whose numbers are all 0, a replaced one is not noticed.
 */
export class KeptFile {
  private readonly inode: bigint;

  /** @param path of the file just opened */
  constructor(readonly path: string) {
    this.inode = statSync(path, { bigint: true }).ino;
  }

  /** @returns what became of it, or undefined */
  async fault(): Promise<string | undefined> {
    const found = await stat(this.path, { bigint: true }).catch(() => undefined);
    if (found === undefined) return 'cannot be found any more';
    return found.ino === this.inode ? undefined : 'is another one than was opened';
  }
}
