import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App, AppStore } from '../apps/app.js';
import type { Refusal } from '../links/errors.js';
import type { Link } from '../links/link.js';
import { durationText, formatLocale, isolated } from '../mail/locales.js';
import { TemplateEngine } from '../mail/template-engine.js';
import { Faults } from '../mail/template-fault.js';
import { pageHeaders } from './page-headers.js';
import { PageStyle, frame } from './page-style.js';
import { pageTemplates } from './page-templates.js';
import { PageWords, type MessageName } from './page-words.js';
import { PROBLEMS, type ProblemCode, type Told } from './problems.js';

/** What the page of a link tells about it. */
export type PageLink = Pick<Link, 'app' | 'purpose' | 'locale' | 'expiresIn' | 'redirectUri'>;

/** A form of ours that leads nowhere else. */
interface OwnForm {
  readonly action: string;
  readonly nonce: string;
}

/** The link below a message. */
interface WayOn {
  readonly href: string;
  readonly label: string;
}

/** The form of the confirm page. */
interface ConfirmForm extends OwnForm {
  /** where its answer will redirect to */
  readonly target: string | null;
  /** the button itself redeems */
  readonly usesUp: boolean;
  /** only the requesting browser will do */
  readonly sameBrowser: boolean;
  /** or whoever types the code of the requesting screen */
  readonly code: boolean;
}

/** Problems without a page of their own: a person can hardly meet them, or is told on the confirm page. */
const WITHOUT_PAGE = new Set<ProblemCode>([
  'code_incorrect',
  'code_exhausted',
  'unauthorized',
  'payload_too_large',
  'unsupported_media_type',
  'internal_error',
  'idempotency_mismatch',
]);
/** With these nothing is broken: they are told calmly. */
const CALM = new Set<MessageName>([
  'binding_mismatch',
  'cookie_missing',
  'forbidden',
  'rate_limited',
  'unavailable',
  'renewed',
]);

/** How much the fields of the forms take, as their `maxlength` says. */
const LONGEST = { code: 24, address: 254 };

/**
 * Addresses where people arrive: answers there are pages, never problem documents.
 * @param url the route's pattern where there is one: an address may be spelled in many ways
 */
export function isPageUrl(url: string): boolean {
  return /^\/(?:l|links|r)(?:\/|$|\?)/.test(url);
}

/** Renders and sends the pages that people see, in the recipient's language, each with the headers it must have. */
export class Pages {
  private readonly templates: ReturnType<typeof pageTemplates>;
  private readonly words: PageWords;
  private readonly style: PageStyle;
  private readonly general = new Map<string, Buffer>();
  /** of every answer that knows no app and has no form */
  private readonly plainHeaders: Readonly<Record<string, string>>;

  /** @throws TemplatesError with every fault in the pages' templates and words */
  constructor(
    templatesDir: string,
    purposes: Iterable<string>,
    private readonly apps: Pick<AppStore, 'find'>,
  ) {
    const faults = new Faults();
    const layouts = join(templatesDir, 'layouts');
    const html = faults.attempt(() => new TemplateEngine('html', layouts));
    const text = faults.attempt(() => new TemplateEngine('text', layouts));
    faults.throwIfAny();
    this.templates = pageTemplates(join(templatesDir, 'pages'), html!, faults);
    this.style = new PageStyle(layouts, html!, faults);
    this.words = new PageWords(templatesDir, purposes, text!, faults);
    faults.throwIfAny();
    this.plainHeaders = pageHeaders(this.style.policy(undefined), null);
  }

  /**
   * The page with the one button, and a field for the code where the purpose has one.
   * @param fault of a typed code
   * @param typed what the field holds: people are asked to compare it
   */
  async sendConfirm(
    reply: FastifyReply,
    link: PageLink,
    form: ConfirmForm,
    fault?: Refusal,
    typed?: string,
  ): Promise<void> {
    const app = await this.apps.find(link.app);
    const { locale, words } = this.wordsOf(link, 'confirm', app);
    const labels = this.words.labels(locale, app?.name ?? link.app);
    this.setHeaders(reply, form.target, app);
    const variables = {
      ...frame(locale, app ?? { name: link.app }),
      words,
      action: form.action,
      nonce: form.nonce,
      // With nowhere to go on to there is only the code; without one, the button says what is missing.
      button: form.usesUp || form.target !== null || !form.code,
      otherBrowser: form.sameBrowser && (form.code ? labels.otherBrowserOrCode : labels.otherBrowser),
      fault: fault && (form.code ? labels.codeIncorrect : labels.codeExhausted),
      code: form.code && {
        label: labels.codeLabel,
        hint: labels.codeHint,
        button: labels.codeButton,
        typed: typed?.slice(0, LONGEST.code) ?? '',
      },
    };
    const status = fault ? PROBLEMS[fault.code].status : 200;
    void reply.status(status).type('text/html; charset=utf-8').send(this.templates.confirm(variables));
  }

  /** The page after a link was redeemed on its page and there is no app page to go on to. */
  async sendDone(reply: FastifyReply, link: PageLink): Promise<void> {
    const app = await this.apps.find(link.app);
    const { locale, words } = this.wordsOf(link, 'done', app);
    const variables = {
      ...frame(locale, app ?? { name: link.app }),
      words,
      tone: 'good',
      renewal: null,
      link: this.wayOn(link, app),
    };
    this.sendNotice(reply, 200, app, this.templates.message(variables));
  }

  /** The page of a link that has run out, with the button to be sent another. */
  async sendRenewalOffer(
    reply: FastifyReply,
    link: PageLink,
    code: 'link_expired' | 'link_superseded',
    form: OwnForm,
  ): Promise<void> {
    const { locale, words } = this.words.message(code, link.locale);
    const app = await this.apps.find(link.app);
    const labels = this.words.labels(locale, app?.name ?? link.app);
    const variables = {
      ...frame(locale, app ?? { name: link.app }),
      words: { ...words, text: code === 'link_expired' ? labels.renewExpired : labels.renewSuperseded },
      tone: 'neutral',
      renewal: { ...form, button: labels.renewButton },
      link: this.wayOn(link, app),
    };
    this.sendNotice(reply, PROBLEMS[code].status, app, this.templates.message(variables));
  }

  /** "This wasn't me": the page that asks for the address. @param wrong the one that was typed, and is not it */
  async sendReport(reply: FastifyReply, link: PageLink, form: OwnForm, wrong?: string): Promise<void> {
    const { locale, words } = this.words.message('report', link.locale);
    const app = await this.apps.find(link.app);
    const labels = this.words.labels(locale, app?.name ?? link.app);
    this.setHeaders(reply, null, app);
    const variables = {
      ...frame(locale, app ?? { name: link.app }),
      ...form,
      words,
      label: labels.reportLabel,
      button: labels.reportButton,
      note: labels.reportNote,
      fault: wrong !== undefined && labels.reportWrong,
      typed: wrong?.slice(0, LONGEST.address) ?? '',
    };
    void reply
      .status(wrong === undefined ? 200 : 422)
      .type('text/html; charset=utf-8')
      .send(this.templates.report(variables));
  }

  /** A refusal, told to a person. @param link known only for an authentic token */
  sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Told, link?: PageLink): Promise<void> {
    const name = WITHOUT_PAGE.has(problem.code) ? 'error' : (problem.code as MessageName);
    return this.sendMessage(request, reply, problem.status, name, link);
  }

  async sendMessage(
    request: Pick<FastifyRequest, 'headers'>,
    reply: FastifyReply,
    status: number,
    name: MessageName,
    link?: PageLink,
  ): Promise<void> {
    if (!link) {
      const locale = this.words.accepted(request.headers['accept-language']);
      return this.sendNotice(reply, status, undefined, this.generalPage(name, locale));
    }
    // A page that tells of a fault must not need the database.
    const app = await this.apps.find(link.app).catch(() => undefined);
    this.sendNotice(reply, status, app, this.messagePage(name, link.locale, app, this.wayOn(link, app)));
  }

  /** 303, so that the browser follows with GET (RFC 9110 section 15.4.4). */
  redirect(reply: FastifyReply, location: string): void {
    this.setHeaders(reply, null);
    void reply.status(303).header('location', location).send();
  }

  /** The languages of the general pages. */
  locales(): readonly string[] {
    return this.words.locales();
  }

  /** Knows of no link, so it is the same for all who read its language: made once, however many strangers come. */
  private generalPage(name: MessageName, locale: string): Buffer {
    const key = `${name} ${locale}`;
    const page = this.general.get(key) ?? Buffer.from(this.messagePage(name, locale));
    this.general.set(key, page);
    return page;
  }

  private messagePage(name: MessageName, wanted: string, app?: App, link: WayOn | null = null): string {
    const { locale, words } = this.words.message(name, wanted);
    const calm = CALM.has(name) || PROBLEMS[name as ProblemCode]?.status === 410;
    const tone = name === 'reported' ? 'good' : calm ? 'neutral' : 'bad';
    return this.templates.message({ ...frame(locale, app), words, tone, renewal: null, link });
  }

  private sendNotice(reply: FastifyReply, status: number, app: App | undefined, page: string | Buffer): void {
    this.setHeaders(reply, null, app);
    void reply.status(status).type('text/html; charset=utf-8').send(page);
  }

  private wordsOf(link: PageLink, page: 'confirm' | 'done', app: App | undefined): { locale: string; words: object } {
    const variables = (locale: string) => ({
      app: { name: isolated(app?.name ?? link.app, locale) },
      lifetime: durationText(link.expiresIn, formatLocale(link.locale, locale)),
    });
    return this.words.purpose(link.purpose, page, link.locale, variables);
  }

  /** To the app's front door, not to its callback, which would miss its code. */
  private wayOn(link: PageLink, app: App | undefined): WayOn | null {
    const target = app?.redirectUris.find((uri) => uri === link.redirectUri) ?? app?.redirectUris[0];
    if (!app || !target?.startsWith('http')) return null;
    return { href: new URL('/', target).href, label: this.words.labels(link.locale, app.name).backToApp };
  }

  private setHeaders(reply: FastifyReply, formTarget: string | null, app?: App): void {
    const isPlain = formTarget === null && !app;
    void reply.headers(isPlain ? this.plainHeaders : pageHeaders(this.style.policy(app), formTarget));
  }
}
