import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AppStore } from '../apps/app.js';
import { Pages } from '../http/pages.js';
import { readPurpose, type AnyPurpose } from '../links/purpose.js';
import { lettersFor, linkPurposes, loadPurposes } from '../links/purposes.js';
import { localesIn } from '../mail/letters.js';
import { Faults } from '../mail/template-fault.js';

export interface TemplatesReport {
  readonly purposes: number;
  readonly letters: number;
  /** `file:line what is wrong` */
  readonly faults: readonly string[];
}

/** Loads everything the service would load from the folder at its start, and goes on after a fault. */
export function inspectTemplates(templatesDir: string): TemplatesReport {
  const faults = new Faults();
  const purposes = faults.attempt(() => loadPurposes(templatesDir)) ?? soundPurposes(templatesDir);
  faults.attempt(() => lettersFor(templatesDir, purposes));
  // No page is sent here, so no app is looked up.
  faults.attempt(() => new Pages(templatesDir, linkPurposes(purposes).keys(), undefined as never as AppStore));
  const letters = [...purposes.keys()].flatMap((name) => localesIn(join(templatesDir, 'purposes', name))).length;
  // Letters and pages share the layouts, and find the same faults there.
  return { purposes: purposes.size, letters, faults: [...new Set(faults.list.map(({ message }) => message))] };
}

/** Loading is all or nothing; the words of the purposes that have no fault can be checked all the same. */
function soundPurposes(templatesDir: string): ReadonlyMap<string, AnyPurpose> {
  const folder = join(templatesDir, 'purposes');
  const purposes = new Map<string, AnyPurpose>();
  for (const name of readdirSync(folder)) {
    new Faults().attempt(() => purposes.set(name, readPurpose(name, join(folder, name, 'purpose.yaml'))));
  }
  return purposes;
}
