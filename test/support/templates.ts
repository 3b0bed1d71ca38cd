import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const TEMPLATES = fileURLToPath(new URL('../../templates', import.meta.url));

/** A copy of the templates to change at will. */
export class TemplatesCopy {
  readonly directory = mkdtempSync(join(tmpdir(), 'oncelink-templates-'));

  constructor() {
    cpSync(TEMPLATES, this.directory, { recursive: true });
  }

  path(file: string): string {
    return join(this.directory, file);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }

  /** Changes a file; the part to replace must be there. @returns the line on which the change stands */
  edit(file: string, part: string, replacement: string): number {
    const text = readFileSync(this.path(file), 'utf8');
    if (!text.includes(part)) throw new Error(`${file} does not contain ${part}`);
    writeFileSync(
      this.path(file),
      text.replace(part, () => replacement),
    );
    return text.slice(0, text.indexOf(part)).split('\n').length;
  }

  copy(from: string, to: string): void {
    cpSync(this.path(from), this.path(to), { recursive: true });
  }

  remove(file: string): void {
    rmSync(this.path(file), { recursive: true });
  }

  discard(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
