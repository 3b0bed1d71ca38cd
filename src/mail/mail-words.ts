import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { bestLocale, localeAt } from './locales.js';
import type { Render, TemplateEngine } from './template-engine.js';
import { TemplateFault, type Faults } from './template-fault.js';
import { readYamlFile } from './yaml-file.js';

/** The sentences that mails share. Another one is a line here and in the file of each locale. */
const schema = z.strictObject({
  /** how long the link works */
  expiry: z.string(),
  /** before the one-time code, where there is one */
  code: z.string(),
  /** before the link to copy */
  fallback: z.string(),
  /** before "this wasn't me", where the purpose asks */
  report: z.string(),
  /** on that link */
  reportLink: z.string(),
  /** the same before its bare address, in a mail without HTML */
  reportAddress: z.string(),
});
type Sentence = keyof z.infer<typeof schema>;

/** As templates name them. */
export const MAIL_WORDS = Object.keys(schema.shape).map((name) => `words.${name}`);

/** The sentences that every mail may use, per locale: `mails/<locale>.yaml`. */
export class MailWords {
  private readonly byLocale = new Map<string, Readonly<Record<Sentence, Render>>>();

  /** @param variables what may stand in the sentences */
  constructor(templatesDir: string, engine: TemplateEngine, variables: ReadonlySet<string>, faults: Faults) {
    const folder = join(templatesDir, 'mails');
    const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.yaml')) : [];
    for (const name of files) {
      const file = join(folder, name);
      const locale = faults.attempt(() => localeAt(file));
      if (locale === undefined) continue;
      const { value, line } = faults.attempt(() => readYamlFile(file, schema)) ?? {};
      if (!value || !line) continue;
      const sentences = Object.entries(value).map(
        ([sentence, text]) =>
          [sentence, faults.attempt(() => engine.compile(text, file, variables, line([sentence])))!] as const,
      );
      this.byLocale.set(locale, Object.fromEntries(sentences) as Record<Sentence, Render>);
    }
    if (!files.includes('en.yaml'))
      faults.list.push(new TemplateFault(join(folder, 'en.yaml'), 1, 'is missing: English is the last fallback'));
  }

  in(locale: string, variables: object): Record<string, string> {
    const sentences = this.byLocale.get(bestLocale(locale, this.byLocale)!)!;
    return Object.fromEntries(Object.entries(sentences).map(([name, render]) => [name, render(variables)]));
  }
}
