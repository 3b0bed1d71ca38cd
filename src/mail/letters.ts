import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { paletteOf } from './colours.js';
import { letterFaults, type LetterFault } from './letter-check.js';
import type { LetterContent, LetterFacts } from './letter-facts.js';
import { sampleFacts, sampleMarks, type SampleLink } from './letter-sample.js';
import {
  bestLocale,
  directionOf,
  durationText,
  formatLocale,
  isSameDay,
  isolated,
  localeAt,
  momentText,
} from './locales.js';
import { LOGO_CID, logoImage, type InlineImage } from './logo.js';
import { isLure } from './lure.js';
import { MAIL_WORDS, MailWords } from './mail-words.js';
import { TemplateEngine, type Render } from './template-engine.js';
import { Faults, TemplateFault } from './template-fault.js';

export interface LetterText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** what the HTML part shows as `cid:` */
  readonly logo?: InlineImage;
}

interface Words {
  readonly html: Render;
  readonly text: Render;
}

const COMMON = ['app.name', 'purpose', 'locale', 'dir'];
const OF_KIND = {
  link: ['url', 'reportUrl', 'oneTimeCode', 'lifetime', 'expiresAt', 'expiresToday'],
  notification: ['happenedAt'],
};
/** What a template may name, by the kind of its purpose; the shared sentences are about links. */
const MAIL_VARIABLES = {
  link: [...COMMON, ...OF_KIND.link, ...MAIL_WORDS],
  notification: [...COMMON, ...OF_KIND.notification],
};
/** Names that no purpose can declare anew. */
export const RESERVED_VARIABLES: readonly string[] = [
  ...MAIL_VARIABLES.link,
  ...MAIL_VARIABLES.notification,
  'subject',
  'brand',
];

/** Writes the mails: per purpose and locale one HTML and one text template, compiled once. */
export class Letters {
  private readonly words = new Map<string, ReadonlyMap<string, Words>>();
  private readonly shared: MailWords;

  /** @throws TemplatesError with every fault found in the templates */
  constructor(
    private readonly templatesDir: string,
    private readonly contents: ReadonlyMap<string, LetterContent>,
  ) {
    const faults = new Faults();
    const layouts = join(templatesDir, 'layouts');
    const html = faults.attempt(() => new TemplateEngine('html', layouts));
    const text = faults.attempt(() => new TemplateEngine('text', layouts));
    faults.throwIfAny();
    this.shared = new MailWords(templatesDir, text!, new Set([...COMMON, ...OF_KIND.link]), faults);
    for (const [purpose, { kind, variables }] of contents) {
      const folder = join(templatesDir, 'purposes', purpose);
      const locales = new Map<string, Words>();
      for (const locale of localesIn(folder)) {
        if (faults.attempt(() => localeAt(join(folder, locale))) === undefined) continue;
        const mail = join(folder, locale, 'mail');
        const known = new Set([...MAIL_VARIABLES[kind], ...variables]);
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

  knows(purpose: string): boolean {
    return this.words.has(purpose);
  }

  /** @param facts of a purpose that it knows */
  write(facts: LetterFacts): LetterText {
    const locales = this.words.get(facts.purpose)!;
    const locale = bestLocale(facts.locale, locales)!;
    const { html, text } = locales.get(locale)!;
    const format = formatLocale(facts.locale, locale);
    const own = (text: string): string => isolated(text, locale);
    const { kind, variables } = this.contents.get(facts.purpose)!;
    const declared = variables.map((name) => {
      const given = facts.templateData[name] ?? null;
      // The template falls back to its neutral wording. What it cannot do without is refused before; see `templateDataFaults`.
      const value = isLure(given) ? null : given;
      return [name, typeof value === 'string' ? own(value) : value] as const;
    });
    const logo = logoImage(facts.app.logo);
    const known = {
      ...aboutText(facts, format, own),
      app: { name: own(facts.app.name), logo: logo ? `cid:${LOGO_CID}` : null },
      brand: paletteOf(facts.app.colour),
      purpose: facts.purpose,
      locale,
      dir: directionOf(locale),
    };
    const words = kind === 'link' ? this.shared.in(locale, known) : {};
    const values = { ...Object.fromEntries(declared), ...known, words };
    const [, subject, body] = /^Subject: (.*)\r?\n\r?\n([^]*)$/.exec(text(values))!;
    return { subject: subject!, text: body!, html: html({ ...values, subject }), logo };
  }

  /** Writes every letter with all optional variables and with none, so that a fault stops the start and not a mail. */
  private rehearse(faults: Faults): void {
    for (const [purpose, locales] of this.words) {
      for (const locale of locales.keys()) {
        const found = [true, false].flatMap((complete) => this.rehearsed(purpose, locale, complete));
        const folder = join(this.templatesDir, 'purposes', purpose, locale);
        for (const { part, detail } of found) {
          const file = join(folder, `mail.${part}.hbs`);
          if (!faults.list.some((known) => known.file === file && known.detail === detail))
            faults.list.push(new TemplateFault(file, 1, detail));
        }
      }
    }
  }

  private rehearsed(purpose: string, locale: string, complete: boolean): readonly LetterFault[] {
    try {
      const { kind } = this.contents.get(purpose)!;
      const letter = this.write(this.sample(purpose, locale, { name: 'Example' }, complete));
      return letterFaults(letter, kind === 'link' ? sampleMarks(locale) : null);
    } catch (error) {
      return [{ part: 'html', detail: (error as Error).message }];
    }
  }

  /**
   * The facts of a made-up letter.
   * @param complete with a value for every variable, or only what is always there
   * @param as what its link is like, if it is to be as the purpose has it
   */
  sample(purpose: string, locale: string, app: LetterFacts['app'], complete: boolean, as?: SampleLink): LetterFacts {
    return sampleFacts(this.contents.get(purpose)!, { purpose, locale, app, complete, as });
  }

  /** The locales in which a purpose has words. */
  locales(purpose: string): readonly string[] {
    return [...this.words.get(purpose)!.keys()];
  }
}

function aboutText({ about, now }: LetterFacts, format: string, own: (text: string) => string): object {
  // The layout, which all mails share, asks for a report's address.
  if ('happenedAt' in about) return { reportUrl: null, happenedAt: own(momentText(about.happenedAt, now, format)) };
  const { url, reportUrl, oneTimeCode, lifetime, expiresAt } = about;
  return {
    url,
    reportUrl,
    oneTimeCode,
    lifetime: durationText(lifetime, format),
    expiresAt: own(momentText(expiresAt, now, format)),
    expiresToday: isSameDay(expiresAt, now),
  };
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
