import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AppStore } from './apps/app.js';
import { Pages } from './http/pages.js';
import { readPurpose, type AnyPurpose } from './links/purpose.js';
import { lettersFor, linkPurposes, loadPurposes } from './links/purposes.js';
import { localesIn, type Letters } from './mail/letters.js';
import { Faults, TemplateFault } from './mail/template-fault.js';

/** Everything that the service reads from the templates folder. */
export interface Templates {
  readonly purposes: ReadonlyMap<string, AnyPurpose>;
  /** undefined if they have faults */
  readonly letters: Letters | undefined;
  readonly pages: Pages | undefined;
  /** what stops a start */
  readonly faults: readonly TemplateFault[];
  /**
   * what nobody notices in English: words that are missing in a language that others of the folder speak, and mails that
   * leave out what their purpose requires to be given, as copied ones do
   */
  readonly gaps: readonly TemplateFault[];
}

const NOBODY: Pick<AppStore, 'find'> = { find: async () => undefined };

/**
 * Loads what the service would load at its start, and goes on after a fault, so that all are told at once.
 * @param apps whose pages they are, where any are shown
 */
export function readTemplates(templatesDir: string, apps: Pick<AppStore, 'find'> = NOBODY): Templates {
  const faults = new Faults();
  const purposes = faults.attempt(() => loadPurposes(templatesDir)) ?? soundPurposes(templatesDir);
  const letters = faults.attempt(() => lettersFor(templatesDir, purposes));
  const pages = faults.attempt(() => new Pages(templatesDir, linkPurposes(purposes).keys(), apps));
  return {
    purposes,
    letters,
    pages,
    // Letters and pages share the layouts, and find the same faults there.
    faults: [...new Map(faults.list.map((fault) => [fault.message, fault])).values()],
    gaps: [...gapsIn(templatesDir, [...purposes.keys()]), ...leftOutIn(templatesDir, purposes)],
  };
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

/** A language is spoken by the folder if anything in it is; then everything should speak it. */
function gapsIn(templatesDir: string, purposes: readonly string[]): TemplateFault[] {
  const general = ['pages', 'mails'].map((name) => join(templatesDir, name));
  const folders = purposes.map((name) => join(templatesDir, 'purposes', name));
  const spoken = new Set([...general.flatMap(wordFilesIn), ...folders.flatMap(localesIn)]);
  const wanted = [...spoken].flatMap((locale) => [
    ...general.map((folder) => ({ locale, path: join(folder, `${locale}.yaml`) })),
    ...folders.map((folder) => ({ locale, path: join(folder, locale) })),
  ]);
  return wanted
    .filter(({ path }) => !existsSync(path))
    .map(({ locale, path }) => new TemplateFault(path, 1, `is missing: readers of ${locale} are shown English there`));
}

function leftOutIn(templatesDir: string, purposes: ReadonlyMap<string, AnyPurpose>): TemplateFault[] {
  return [...purposes].flatMap(([name, { templateData }]) => {
    const folder = join(templatesDir, 'purposes', name);
    const required = Object.keys(templateData).filter((variable) => templateData[variable]!.required);
    const files = localesIn(folder).flatMap((locale) =>
      ['mail.html.hbs', 'mail.text.hbs'].map((file) => join(folder, locale, file)),
    );
    return files.filter(existsSync).flatMap((path) => {
      const source = readFileSync(path, 'utf8');
      return required
        .filter((variable) => !new RegExp(`\\{\\{[^}]*\\b${variable}\\b`).test(source))
        .map((variable) => new TemplateFault(path, 1, `leaves out {{${variable}}}, which its purpose requires`));
    });
  });
}

function wordFilesIn(folder: string): string[] {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.filter((name) => name.endsWith('.yaml')).map((name) => basename(name, '.yaml'));
}
