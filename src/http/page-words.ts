import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { localesIn } from '../mail/letters.js';
import { acceptedLocale, bestLocale, isolated, localeAt } from '../mail/locales.js';
import type { Render, TemplateEngine } from '../mail/template-engine.js';
import { TemplateFault, type Faults } from '../mail/template-fault.js';
import { readYamlFile } from '../mail/yaml-file.js';

/** The pages that only tell something: one for each problem a person can meet, and some of our own. */
export const MESSAGES = [
  'token_invalid',
  'link_expired',
  'link_redeemed',
  'link_revoked',
  'link_superseded',
  'fingerprint_mismatch',
  'binding_mismatch',
  'cookie_missing',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'rate_limited',
  'unavailable',
  'redirect_uri_not_allowed',
  'request_invalid',
  'error',
  'renewed',
  'report',
  'reported',
] as const;
export type MessageName = (typeof MESSAGES)[number];

/** Short texts on buttons, links and fields. */
const LABELS = [
  'backToApp',
  'otherBrowser',
  'otherBrowserOrCode',
  'codeLabel',
  'codeHint',
  'codeButton',
  'codeIncorrect',
  'codeExhausted',
  'renewExpired',
  'renewSuperseded',
  'renewButton',
  'reportLabel',
  'reportButton',
  'reportNote',
  'reportWrong',
] as const;
type Label = (typeof LABELS)[number];

const message = z.strictObject({ title: z.string(), heading: z.string(), text: z.string() });
const purposeSchema = z.strictObject({
  confirm: message.extend({ button: z.string(), note: z.string().default('') }),
  done: message,
});
const generalSchema = z.strictObject({
  ...(Object.fromEntries(MESSAGES.map((name) => [name, message])) as Record<MessageName, typeof message>),
  labels: z.strictObject(Object.fromEntries(LABELS.map((name) => [name, z.string()])) as Record<Label, z.ZodString>),
});

type Texts = Readonly<Record<string, Render>>;
interface Said {
  readonly locale: string;
  readonly words: object;
}
interface PurposeTexts {
  readonly confirm: Texts;
  readonly done: Texts;
}

/** The words of the pages, per locale: general ones, and what each purpose says on its own two pages. */
export class PageWords {
  private readonly general = new Map<string, Readonly<Record<string, Texts>>>();
  private readonly byPurpose = new Map<string, ReadonlyMap<string, PurposeTexts>>();

  constructor(
    templatesDir: string,
    purposes: Iterable<string>,
    private readonly engine: TemplateEngine,
    faults: Faults,
  ) {
    const folder = join(templatesDir, 'pages');
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
      const file = join(folder, name);
      faults.attempt(() => this.general.set(localeAt(file), this.readGeneral(file)));
    }
    if (!readdirSync(folder).includes('en.yaml')) {
      faults.list.push(new TemplateFault(join(folder, 'en.yaml'), 1, 'is missing: English is the last fallback'));
    }
    for (const purpose of purposes) {
      const locales = new Map<string, PurposeTexts>();
      const purposeFolder = join(templatesDir, 'purposes', purpose);
      for (const locale of localesIn(purposeFolder)) {
        const words = join(purposeFolder, locale);
        faults.attempt(() => locales.set(localeAt(words), this.readPurpose(join(words, 'page.yaml'))));
      }
      this.byPurpose.set(purpose, locales);
    }
  }

  /** The languages of the general pages. */
  locales(): readonly string[] {
    return [...this.general.keys()];
  }

  /** @returns the one of them that a browser likes best. @param header `Accept-Language` */
  accepted(header: string | undefined): string {
    return acceptedLocale(header, this.general);
  }

  /** @returns the locale that has the words nearest to what was asked for, and the words */
  message(name: MessageName, wanted: string): Said {
    const locale = bestLocale(wanted, this.general)!;
    return { locale, words: renderAll(this.general.get(locale)![name]!, {}) };
  }

  purpose(name: string, page: keyof PurposeTexts, wanted: string, variables: (locale: string) => object): Said {
    const locales = this.byPurpose.get(name)!;
    const locale = bestLocale(wanted, locales)!;
    return { locale, words: renderAll(locales.get(locale)![page], variables(locale)) };
  }

  labels(wanted: string, appName: string): Record<Label, string> {
    const locale = bestLocale(wanted, this.general)!;
    return renderAll(this.general.get(locale)!.labels!, { app: { name: isolated(appName, locale) } });
  }

  private readGeneral(file: string): Record<string, Texts> {
    const { labels, ...messages } = readYamlFile(file, generalSchema).value;
    const compiled = Object.entries(messages).map(([name, texts]) => [name, this.compile(file, texts, [])] as const);
    return { ...Object.fromEntries(compiled), labels: this.compile(file, labels, ['app.name']) };
  }

  private readPurpose(file: string): PurposeTexts {
    const { confirm, done } = readYamlFile(file, purposeSchema).value;
    const known = ['app.name', 'lifetime'];
    return { confirm: this.compile(file, confirm, known), done: this.compile(file, done, known) };
  }

  private compile(file: string, texts: Readonly<Record<string, string>>, variables: readonly string[]): Texts {
    const source = readFileSync(file, 'utf8').split('\n');
    const known = new Set(variables);
    const lineOf = (text: string): number =>
      Math.max(1, source.findIndex((line) => text !== '' && line.includes(text.slice(0, 40))) + 1);
    return Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [
        name,
        this.engine.compile(text, file, known, lineOf(text.split('\n')[0]!)),
      ]),
    );
  }
}

function renderAll(texts: Texts, variables: object): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, render]) => [name, render(variables)]));
}
