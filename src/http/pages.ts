import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import type { App, AppStore } from '../apps/app.js';
import type { Link } from '../links/link.js';
import type { Purpose } from '../links/purpose.js';
import { bestLocale, directionOf, durationText } from '../mail/locales.js';
import { localesIn } from '../mail/letters.js';
import { TemplateEngine, TemplateFault, type Render } from '../mail/template-engine.js';
import type { Problem, ProblemCode } from './problems.js';

const words = z.strictObject({ title: z.string(), heading: z.string(), text: z.string() });
const purposeWords = z.strictObject({
  confirm: words.extend({ button: z.string(), note: z.string().nullish().transform((note) => note ?? '') }),
  done: words,
});
const generalWords = z.looseObject({ labels: z.strictObject({ backToApp: z.string() }) });

type Words = Readonly<Record<string, Render>>;
/** A page of the general words: a problem code, or one of our own. */
export type MessageName = Exclude<ProblemCode, 'unauthorized' | 'payload_too_large' | 'unsupported_media_type' | 'internal_error'> | 'cookie_missing' | 'error';
const MESSAGES: readonly MessageName[] = [
  'token_invalid', 'link_expired', 'link_redeemed', 'link_revoked', 'link_superseded', 'fingerprint_mismatch', 'binding_mismatch',
  'cookie_missing', 'forbidden', 'not_found', 'method_not_allowed', 'rate_limited', 'unavailable', 'redirect_uri_not_allowed',
  'request_invalid', 'error',
] as never; // prettier-ignore
/** Nothing is wrong with these people's request; the others are shown as faults. */
const NEUTRAL = new Set<string>(['link_expired', 'link_redeemed', 'link_revoked', 'link_superseded', 'binding_mismatch', 'cookie_missing', 'forbidden', 'rate_limited', 'unavailable']);

const PAGE_VARIABLES = ['locale', 'dir', 'app.name', 'words.title', 'words.heading', 'words.text'];

/** Addresses where people arrive: answers there are pages, never problem documents. */
export function isPageUrl(url: string): boolean {
  return /^\/(?:l|links)(?:\/|$|\?)/.test(url);
}

/** Renders and sends the pages that people see, in the recipient's language, each with the headers it must have. */
export class Pages {
  private readonly styleHash: string;

  private constructor(
    private readonly templates: { confirm: Render; message: Render },
    private readonly general: ReadonlyMap<string, Readonly<Record<string, Words>>>,
    private readonly byPurpose: ReadonlyMap<string, ReadonlyMap<string, { confirm: Words; done: Words }>>,
    private readonly apps: AppStore,
    private readonly https: boolean,
    style: string,
  ) {
    this.styleHash = createHash('sha256').update(style).digest('base64');
  }

  /** @returns the pages, or every fault in their templates and words */
  static load(templatesDir: string, purposes: Iterable<Purpose>, apps: AppStore, https: boolean): Pages | TemplateFault[] {
    const faults: TemplateFault[] = [];
    const attempt = <Result>(work: () => Result): Result | undefined => {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof TemplateFault)) throw error;
        faults.push(error);
        return undefined;
      }
    };
    const text = new TemplateEngine('text', join(templatesDir, 'layouts'));
    const html = new TemplateEngine('html', join(templatesDir, 'layouts'));
    const folder = join(templatesDir, 'pages');
    const confirm = attempt(() => html.compileFile(join(folder, 'confirm.html.hbs'), new Set([...PAGE_VARIABLES, 'words.button', 'words.note', 'action', 'nonce'])));
    const message = attempt(() => html.compileFile(join(folder, 'message.html.hbs'), new Set([...PAGE_VARIABLES, 'link', 'link.href', 'link.label', 'tone'])));
    const style = /<style>([^]*?)<\/style>/.exec(readFileSync(join(templatesDir, 'layouts', 'page.html.hbs'), 'utf8'))?.[1] ?? '';

    const general = new Map<string, Record<string, Words>>();
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
      const path = join(folder, file);
      attempt(() => {
        const { labels, ...pages } = readYaml(path, generalWords.extend(Object.fromEntries(MESSAGES.map((name) => [name, words]))));
        const compiled = { labels: compileAll(text, path, labels as never, ['app.name']) } as Record<string, Words>;
        for (const name of MESSAGES) compiled[name] = compileAll(text, path, pages[name] as never, []);
        general.set(basename(file, '.yaml'), compiled);
      });
    }
    if (!general.has('en') && faults.length === 0) faults.push(new TemplateFault(join(folder, 'en.yaml'), 1, 'is missing: English is the last fallback'));

    const byPurpose = new Map<string, Map<string, { confirm: Words; done: Words }>>();
    for (const { name } of purposes) {
      const locales = new Map<string, { confirm: Words; done: Words }>();
      const purposeFolder = join(templatesDir, 'purposes', name);
      for (const locale of localesIn(purposeFolder)) {
        const path = join(purposeFolder, locale, 'page.yaml');
        attempt(() => {
          const read = readYaml(path, purposeWords);
          const known = ['app.name', 'lifetime'];
          locales.set(locale, { confirm: compileAll(text, path, read.confirm, known), done: compileAll(text, path, read.done, known) });
        });
      }
      byPurpose.set(name, locales);
    }
    return faults.length > 0 ? faults : new Pages({ confirm: confirm!, message: message! }, general, byPurpose, apps, https, style);
  }

  /** The page with the one button. */
  async sendConfirm(reply: FastifyReply, link: Link, form: { action: string; nonce: string; target: string | null }): Promise<void> {
    const app = await this.apps.find(link.app);
    const { locale, page } = this.wordsOf(link, 'confirm', app);
    this.setHeaders(reply, form.target);
    await reply
      .status(200)
      .type('text/html; charset=utf-8')
      .send(this.templates.confirm({ locale, dir: directionOf(locale), app: { name: app?.name ?? link.app }, words: page, action: form.action, nonce: form.nonce }));
  }

  /** The page after a link was redeemed on its page and there is no app page to go on to. */
  async sendDone(reply: FastifyReply, link: Link): Promise<void> {
    const app = await this.apps.find(link.app);
    const { locale, page } = this.wordsOf(link, 'done', app);
    this.send(reply, 200, locale, app, page, 'good', this.wayOn(link, app, locale));
  }

  /** A refusal, told to a person; `link` is known only for an authentic token. */
  sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem, link?: Link): void {
    const name = MESSAGES.find((message) => message === problem.code) ?? 'error';
    void this.message(request, reply, problem.status, name, link);
  }

  async message(request: FastifyRequest, reply: FastifyReply, status: number, name: MessageName, link?: Link): Promise<void> {
    const wanted = link?.locale ?? preferred(request.headers['accept-language']);
    const locale = bestLocale(wanted, this.general) ?? 'en';
    const app = link && (await this.apps.find(link.app).catch(() => undefined));
    const page = renderAll(this.general.get(locale)![name]!, {});
    this.send(reply, status, locale, app, page, NEUTRAL.has(name) ? 'neutral' : 'bad', link && this.wayOn(link, app, locale));
  }

  /** 303, so that the browser follows with GET (RFC 9110 section 15.4.4). */
  redirect(reply: FastifyReply, location: string): void {
    this.setHeaders(reply, null);
    void reply.status(303).header('location', location).send();
  }

  private send(reply: FastifyReply, status: number, locale: string, app: App | undefined, page: object, tone: string, link: object | null | undefined): void {
    this.setHeaders(reply, null);
    const variables = { locale, dir: directionOf(locale), app: { name: app?.name ?? null }, words: page, tone, link: link ?? null };
    void reply.status(status).type('text/html; charset=utf-8').send(this.templates.message(variables));
  }

  private wordsOf(link: Link, kind: 'confirm' | 'done', app: App | undefined): { locale: string; page: object } {
    const locales = this.byPurpose.get(link.purpose)!;
    const locale = bestLocale(link.locale, locales) ?? 'en';
    const variables = { app: { name: app?.name ?? link.app }, lifetime: durationText(link.expiresIn, locale) };
    return { locale, page: renderAll(locales.get(locale)![kind], variables) };
  }

  /** To the app's front door, not to its callback, which would miss its code. */
  private wayOn(link: Link, app: App | undefined, locale: string): { href: string; label: string } | null {
    const target = link.redirectUri ?? app?.redirectUris[0];
    if (!app || !target?.startsWith('http')) return null;
    return { href: new URL('/', target).href, label: this.general.get(bestLocale(locale, this.general)!)!.labels!.backToApp!({ app: { name: app.name } }) };
  }

  /** @param formTarget where the form's answer redirects to: browsers apply form-action to that, too */
  private setHeaders(reply: FastifyReply, formTarget: string | null): void {
    void reply.headers({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex, nofollow',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${this.styleHash}'; form-action 'self'${formTarget ? ` ${sourceOf(formTarget)}` : ''}; frame-ancestors 'none'; base-uri 'none'`,
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      ...(this.https && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
    });
  }
}

/** A CSP source for a redirect target: its origin, or its scheme for an app's own. */
function sourceOf(target: string): string {
  const url = new URL(target);
  return url.origin === 'null' ? url.protocol : url.origin;
}

function preferred(acceptLanguage: string | undefined): string {
  return /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*/.exec(acceptLanguage ?? '')?.[0] ?? 'en';
}

function compileAll(engine: TemplateEngine, file: string, texts: Readonly<Record<string, string>>, variables: readonly string[]): Words {
  const source = readFileSync(file, 'utf8').split('\n');
  const known = new Set(variables);
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      const line = source.findIndex((one) => text !== '' && one.includes(text.split('\n')[0]!.slice(0, 40))) + 1;
      return [name, engine.compile(text, file, known, Math.max(1, line))];
    }),
  );
}

function renderAll(words: Words, variables: object): Record<string, string> {
  return Object.fromEntries(Object.entries(words).map(([name, render]) => [name, render(variables)]));
}

/** @throws TemplateFault */
function readYaml<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> {
  if (!existsSync(file)) throw new TemplateFault(file, 1, 'is missing');
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new TemplateFault(file, error.linePos?.[0].line ?? 1, error.message.split('\n')[0]!);
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const node = document.getIn(path, true) as { range?: [number, number, number] } | undefined;
  throw new TemplateFault(file, node?.range ? lines.linePos(node.range[0]).line : 1, `${path.join('.')}: ${message}`);
}
