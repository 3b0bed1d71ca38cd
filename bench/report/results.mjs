import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../results/', import.meta.url));

/** Where a run is kept, from its first figures on. A second run of one name gets a number. */
export class Results {
  constructor(name) {
    mkdirSync(FOLDER, { recursive: true });
    this.name = FOLDER + name;
    for (let nth = 2; existsSync(`${this.name}.json`); nth++) this.name = `${FOLDER}${name}-${nth}`;
  }

  keep(report, markdown) {
    replace(`${this.name}.json`, `${JSON.stringify(report, null, 2)}\n`);
    replace(`${this.name}.md`, markdown);
  }
}

/** Whoever ends us in the middle leaves the one before. */
function replace(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
