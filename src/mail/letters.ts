import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bestLocale, directionOf, durationText, formatLocale, isSameDay, isolated, momentText } from './locales.js';
import { MAIL_WORDS, MailWords } from './mail-words.js';
import { TemplateEngine, type Render } from './template-engine.js';
import { Faults, TemplateFault } from './template-fault.js';

/** What a letter says, apart from its words. */
export interface LetterFacts {
  readonly purpose: string;
  readonly locale: string;
  readonly url: string;
  /** to type where the link was asked for, if the purpose has one */
  readonly oneTimeCode: string | null;
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

const FACTS = ['url', 'oneTimeCode', 'app.name', 'purpose', 'lifetime', 'expiresAt', 'expiresToday', 'locale', 'dir'];
/** What a template of any purpose may name. */
export const MAIL_VARIABLES = [...FACTS, ...MAIL_WORDS];

/** Writes the mails: per purpose and locale one HTML and one text template, compiled once. */
export class Letters {
  private readonly words = new Map<string, ReadonlyMap<string, Words>>();
  private readonly shared: MailWords;

  /**
   * @param variables the template variables that each purpose declares
   * @throws TemplatesError with every fault found in the templates
   */
  constructor(
    private readonly templatesDir: string,
    private readonly variables: ReadonlyMap<string, readonly string[]>,
  ) {
    const faults = new Faults();
    const layouts = join(templatesDir, 'layouts');
    const html = faults.attempt(() => new TemplateEngine('html', layouts));
    const text = faults.attempt(() => new TemplateEngine('text', layouts));
    faults.throwIfAny();
    this.shared = new MailWords(templatesDir, text!, new Set(FACTS), faults);
    for (const [purpose, declared] of variables) {
      const folder = join(templatesDir, 'purposes', purpose);
      const locales = new Map<string, Words>();
      for (const locale of localesIn(folder)) {
        const mail = join(folder, locale, 'mail');
        const known = new Set([...MAIL_VARIABLES, ...declared]);
        const htmlPart = faults.attempt(() => html!.compileFile(`${mail}.html.hbs`, new Set([...known, 'subject'])));
        const textPart = faults.attempt(() => compileTextPart(text!, `${mail}.text.hbs`, known));
        if (htmlPart && textPart) locales.set(locale, { html: htmlPart, text: textPart });
      }
      if (!localesIn(folder).includes('en')) {
        faults.list.push(
          new TemplateFault(join(folder, 'en'), 1, 'is missing: every purpose needs English words, the last fallback'),
        );
      }
      this.words.set(purpose, locales);
    }
    faults.throwIfAny();
    this.rehearse(faults);
    faults.throwIfAny();
  }

  write(facts: LetterFacts): LetterText {
    const locales = this.words.get(facts.purpose)!;
    const locale = bestLocale(facts.locale, locales)!;
    const { html, text } = locales.get(locale)!;
    const format = formatLocale(facts.locale, locale);
    const own = (text: string): string => isolated(text, locale);
    const declared = this.variables.get(facts.purpose)!.map((name) => {
      const value = harmless(facts.templateData[name] ?? null);
      return [name, typeof value === 'string' ? own(value) : value] as const;
    });
    const known = {
      url: facts.url,
      oneTimeCode: facts.oneTimeCode,
      app: { name: own(facts.appName) },
      purpose: facts.purpose,
      lifetime: durationText(facts.lifetime, format),
      expiresAt: own(momentText(facts.expiresAt, facts.now, format)),
      expiresToday: isSameDay(facts.expiresAt, facts.now),
      locale,
      dir: directionOf(locale),
    };
    const variables = { ...Object.fromEntries(declared), ...known, words: this.shared.in(locale, known) };
    const [, subject, body] = /^Subject: (.*)\r?\n\r?\n([^]*)$/.exec(text(variables))!;
    return { subject: subject!, text: body!, html: html({ ...variables, subject }) };
  }

  /** Writes every letter with all optional variables and with none, so that a fault stops the start and not a mail. */
  private rehearse(faults: Faults): void {
    const sample = { url: 'https://example.com/l/token', appName: 'Example', lifetime: 600, expiresAt: 0, now: 0 };
    for (const [purpose, locales] of this.words) {
      for (const locale of locales.keys()) {
        for (const value of ['Ann', null]) {
          const templateData = Object.fromEntries(this.variables.get(purpose)!.map((name) => [name, value]));
          faults.attempt(() => {
            try {
              const oneTimeCode = value && '7K2M-9QXT';
              this.write({ ...sample, oneTimeCode, purpose, locale, templateData });
            } catch (error) {
              throw new TemplateFault(
                join(this.templatesDir, 'purposes', purpose, locale),
                1,
                (error as Error).message,
              );
            }
          });
        }
      }
    }
  }
}

function compileTextPart(engine: TemplateEngine, file: string, known: ReadonlySet<string>): Render {
  const render = engine.compileFile(file, known);
  if (/^Subject: \S.*\r?\n\r?\n/.test(readFileSync(file, 'utf8'))) return render;
  throw new TemplateFault(file, 1, 'must begin with a line "Subject: …" and an empty line');
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
