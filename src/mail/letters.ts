import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bestLocale, directionOf, durationText, momentText } from './locales.js';
import { TemplateEngine, TemplateFault, type Render } from './template-engine.js';

/** What a letter says, apart from its words. */
export interface LetterFacts {
  readonly purpose: string;
  readonly locale: string;
  readonly url: string;
  readonly appName: string;
  /** seconds */
  readonly lifetime: number;
  /** ms since the epoch */
  readonly expiresAt: number;
  readonly now: number;
  /** the variables that the purpose declares */
  readonly templateData: Readonly<Record<string, string | number | boolean | null>>;
}

export interface LetterText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

interface Words {
  readonly html: Render;
  readonly text: Render;
}

const MAIL_VARIABLES = ['url', 'app.name', 'purpose', 'lifetime', 'expiresAt', 'locale', 'dir'];

/** Writes the mails: per purpose and locale one HTML and one text template, compiled once. */
export class Letters {
  private constructor(
    private readonly words: ReadonlyMap<string, ReadonlyMap<string, Words>>,
    private readonly variables: ReadonlyMap<string, readonly string[]>,
  ) {}

  /**
   * @param variables the template variables that each purpose declares
   * @returns the letters, or every fault found in the templates
   */
  static load(templatesDir: string, variables: ReadonlyMap<string, readonly string[]>): Letters | TemplateFault[] {
    const faults: TemplateFault[] = [];
    const attempt = <Result>(compile: () => Result): Result | undefined => {
      try {
        return compile();
      } catch (error) {
        if (!(error instanceof TemplateFault)) throw error;
        faults.push(error);
        return undefined;
      }
    };
    const layouts = join(templatesDir, 'layouts');
    const engines = attempt(() => ({ html: new TemplateEngine('html', layouts), text: new TemplateEngine('text', layouts) }));
    if (!engines) return faults;

    const words = new Map<string, Map<string, Words>>();
    for (const [purpose, declared] of variables) {
      const folder = join(templatesDir, 'purposes', purpose);
      const known = new Set([...MAIL_VARIABLES, ...declared]);
      const locales = new Map<string, Words>();
      for (const locale of localesIn(folder)) {
        const html = attempt(() => engines.html.compileFile(join(folder, locale, 'mail.html.hbs'), new Set([...known, 'subject'])));
        const textFile = join(folder, locale, 'mail.text.hbs');
        const text = attempt(() => {
          const render = engines.text.compileFile(textFile, known);
          if (!/^Subject: \S.*\r?\n\r?\n/.test(readFileSync(textFile, 'utf8'))) {
            throw new TemplateFault(textFile, 1, 'must begin with a line "Subject: …" and an empty line');
          }
          return render;
        });
        if (html && text) locales.set(locale, { html, text });
      }
      if (!existsSync(join(folder, 'en'))) faults.push(new TemplateFault(join(folder, 'en'), 1, 'is missing: every purpose needs English words, the last fallback'));
      words.set(purpose, locales);
    }
    if (faults.length > 0) return faults;
    const letters = new Letters(words, variables);
    letters.rehearse((purpose, locale, error) => faults.push(new TemplateFault(join(templatesDir, 'purposes', purpose, locale), 1, error.message)));
    return faults.length > 0 ? faults : letters;
  }

  write(facts: LetterFacts): LetterText {
    const locales = this.words.get(facts.purpose)!;
    const locale = bestLocale(facts.locale, locales)!;
    const { html, text } = locales.get(locale)!;
    const declared = this.variables.get(facts.purpose)!.map((name) => [name, harmless(facts.templateData[name] ?? null)] as const);
    const variables = {
      ...Object.fromEntries(declared),
      url: facts.url,
      app: { name: facts.appName },
      purpose: facts.purpose,
      lifetime: durationText(facts.lifetime, locale),
      expiresAt: momentText(facts.expiresAt, facts.now, locale),
      locale,
      dir: directionOf(locale),
    };
    const [, subject, body] = /^Subject: (.*)\r?\n\r?\n([^]*)$/.exec(text(variables))!;
    return { subject: subject!, text: body!, html: html({ ...variables, subject }) };
  }

  /** Renders every letter with all optional variables and with none, so that a fault stops the start and not a mail. */
  private rehearse(report: (purpose: string, locale: string, error: Error) => void): void {
    for (const [purpose, locales] of this.words) {
      for (const locale of locales.keys()) {
        for (const value of ['Ann', null]) {
          const templateData = Object.fromEntries(this.variables.get(purpose)!.map((name) => [name, value]));
          try {
            this.write({ purpose, locale, url: 'https://example.com/l/token', appName: 'Example', lifetime: 600, expiresAt: 0, now: 0, templateData });
          } catch (error) {
            report(purpose, locale, error as Error);
            break;
          }
        }
      }
    }
  }
}

/** The folders of a purpose that hold words. */
export function localesIn(purposeFolder: string): string[] {
  return readdirSync(purposeFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/**
 * A caller's text must not turn our letter into a lure: mail clients make links of whatever looks like one, escaped or not.
 * Such a value is left out, and the template falls back to its neutral wording.
 */
function harmless(value: string | number | boolean | null): string | number | boolean | null {
  const lure = /@|\/\/|\\|www\.|[\p{L}\p{N}]\.[\p{L}]{2,}/iu;
  return typeof value === 'string' && lure.test(value) ? null : value;
}
