import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiKeys } from './apps/api-keys.js';
import { redirectUriFault } from './apps/app.js';
import { parseDuration } from './clock.js';
import { LOG_LEVELS, type LogLevel } from './log.js';
import { IDEMPOTENCY_LIFETIME } from './links/judgement.js';
import type { KeySetError } from './links/jwk-set.js';
import { readKeyFile } from './links/key-file.js';
import { KeyRing } from './links/key-ring.js';
import { MAX_QUOTA_WINDOW, type Quota } from './links/purpose.js';
import { MAX_QUOTA_COUNT } from './links/purpose-schema.js';
import { parseRecipient } from './links/recipient.js';
import { readDkim, type DkimKey } from './mail/dkim.js';
import { parseSender, type Sender } from './mail/mailer.js';
import { relayUrlFault } from './mail/transports.js';
import { DataKeys } from './storage/data-keys.js';
import { databaseUrlFault, fileOf } from './storage/engines.js';

export interface Settings {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  /** without a trailing slash; the only base of links and the tokens' `iss` */
  readonly publicUrl: string;
  readonly databaseUrl: string;
  /** none: recipients are stored as they are */
  readonly dataKeys: DataKeys | undefined;
  /** where development keeps its files */
  readonly dataDir: string;
  /** undefined: development generates them into `signingKeysFile` */
  readonly signingKeys: KeyRing | undefined;
  /** undefined: they are given inline, and stay as they are until a restart */
  readonly signingKeysFile: string | undefined;
  /** empty: the dev inbox keeps the mail */
  readonly relays: readonly string[];
  readonly mailFrom: Sender;
  readonly dkim: DkimKey | undefined;
  readonly apiKey: string | undefined;
  readonly redirectUris: readonly string[] | undefined;
  readonly templatesDir: string;
  /** ms */
  readonly retention: number;
  readonly limits: { readonly perApp: readonly Quota[]; readonly service: readonly Quota[] };
  readonly trustProxy: false | number | readonly string[];
  readonly logLevel: LogLevel;
}

const PACKAGED_TEMPLATES = fileURLToPath(new URL('../templates', import.meta.url));

/** One setting: what README and `.env.example` say about it, and how it is read. */
interface Setting {
  readonly name: string;
  /** the default in development; undefined: none */
  readonly development?: string;
  /** the default in production, where it differs; null: required */
  readonly production?: string | null;
  /** may hold a secret: to be forgotten once it has been read */
  readonly secret?: true;
}

/** THE SETTINGS, in the order of the documentation. A test holds README, `.env.example` and this list together. */
export const SETTINGS: readonly Setting[] = [
  { name: 'NODE_ENV', development: 'development', production: 'production' },
  { name: 'HOST', development: '127.0.0.1', production: '0.0.0.0' },
  { name: 'PORT', development: '3000' },
  { name: 'PUBLIC_URL', development: 'http://localhost:$PORT', production: null },
  { name: 'DATABASE_URL', development: 'sqlite:./data/oncelink.sqlite', production: null, secret: true },
  { name: 'DATA_KEYS', secret: true },
  { name: 'SIGNING_KEYS', secret: true },
  { name: 'SIGNING_KEYS_FILE', development: './data/signing-keys.json', production: null },
  { name: 'SMTP_URL', production: null, secret: true },
  { name: 'MAIL_FROM', development: 'Oncelink <no-reply@localhost>', production: null },
  { name: 'DKIM_DOMAIN' },
  { name: 'DKIM_SELECTOR' },
  { name: 'DKIM_KEY_FILE' },
  { name: 'API_KEY', secret: true },
  { name: 'REDIRECT_URIS' },
  { name: 'TEMPLATES_DIR', development: './templates' },
  { name: 'RETENTION', development: '30d' },
  { name: 'LIMIT_PER_APP' },
  { name: 'LIMIT_SERVICE' },
  { name: 'TRUST_PROXY' },
  { name: 'LOG_LEVEL', development: 'info' },
];

/** Every fault of the settings in one message. Values are never repeated: some are secrets. */
export class SettingsError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      `Oncelink cannot start. ${faults.length === 1 ? 'One setting needs' : `${faults.length} settings need`} your attention:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  }
}

/** @throws SettingsError with every fault at once */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const faults: string[] = [];
  const fault = (name: string, problem: string): void => void faults.push(`${name} ${problem}`);
  const mode = env.NODE_ENV?.trim() || 'development';
  if (!['development', 'production', 'test'].includes(mode)) fault('NODE_ENV', 'must be development or production');
  const production = mode === 'production';

  /** The given value, else the default; undefined if there is neither. Reports a required one that is missing. */
  const read = (name: string, remedy = ''): string | undefined => {
    const given = env[name]?.trim();
    if (given) return given;
    // Run from an installed package, the templates that come with it serve until there is a folder of one's own.
    if (name === 'TEMPLATES_DIR' && !existsSync('./templates')) return PACKAGED_TEMPLATES;
    const setting = SETTINGS.find((one) => one.name === name)!;
    if (production && setting.production === null) fault(name, `is required in production${remedy && `: ${remedy}`}`);
    return production
      ? setting.production === undefined
        ? setting.development
        : (setting.production ?? undefined)
      : setting.development;
  };
  const checked = <Value>(
    name: string,
    remedy: string,
    parse: (text: string) => Value | undefined,
  ): Value | undefined => {
    const text = read(name, remedy);
    const value = text === undefined ? undefined : parse(text);
    if (text !== undefined && value === undefined) fault(name, `is not valid: ${remedy}`);
    return value;
  };

  const port = checked('PORT', 'a port number from 0 to 65535', (text) =>
    /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined,
  );
  const publicUrl = checked(
    'PUBLIC_URL',
    'the https URL under which people reach this service, like https://links.example.com, without query or fragment',
    (text) => readPublicUrl(text.replace('$PORT', String(port ?? 3000))),
  );
  const databaseUrl = checked('DATABASE_URL', 'sqlite:PATH or postgres://user:password@host:5432/database', (text) =>
    databaseUrlFault(text) ? undefined : text,
  );
  const dataKeys = checked(
    'DATA_KEYS',
    '<id>:<base64 of 32 random bytes> (`openssl rand -base64 32`), comma-separated: the first seals, all open, the last one stays',
    (text) => DataKeys.parse(text),
  );
  const dataDir = dirname((databaseUrl && fileOf(databaseUrl)) ?? './data/oncelink.sqlite');
  const relays = checked(
    'SMTP_URL',
    'smtp://, smtps://, sendmail: or file: URLs, comma-separated, tried in order',
    (text) => {
      const urls = list(text);
      return urls.length > 0 && urls.every((url) => !relayUrlFault(url)) ? urls : undefined;
    },
  );
  const mailFrom = checked('MAIL_FROM', 'Name <address@example.com>', (text) => {
    const sender = parseSender(text);
    const address = sender && (parseRecipient(sender.address) ?? (production ? undefined : sender.address));
    return address === undefined ? undefined : { name: sender!.name, address };
  });
  const apiKey = checked(
    'API_KEY',
    'olk_<id>_<secret> with at least 20 random characters of secret; or leave it out and use `oncelink apps create`',
    (text) => (ApiKeys.isWellFormed(text) ? text : undefined),
  );
  const redirectUris = checked(
    'REDIRECT_URIS',
    'absolute https URIs, comma-separated, exact, without fragment (http only for loopback)',
    (text) => (list(text).every((uri) => !redirectUriFault(uri)) ? list(text) : undefined),
  );
  const templatesDir = checked('TEMPLATES_DIR', 'a folder with layouts, pages and purposes', (text) =>
    ['layouts', 'pages', 'purposes'].every((folder) => existsSync(join(text, folder))) ? text : undefined,
  );
  const retention = checked('RETENTION', 'a duration such as 30d or 36h, at least a day', (text) =>
    parseDuration(text),
  );
  const quotas = (name: string): readonly Quota[] =>
    checked(
      name,
      `limits such as 600/1m or 600/1m,10000/1d: at most ${MAX_QUOTA_COUNT} mints, in at most ${MAX_QUOTA_WINDOW / 86_400}d`,
      readQuotas,
    ) ?? [];
  const limits = { perApp: quotas('LIMIT_PER_APP'), service: quotas('LIMIT_SERVICE') };
  const trustProxy = checked(
    'TRUST_PROXY',
    'a hop count such as 1, or the addresses of your proxies, comma-separated (never "true")',
    readTrustProxy,
  );
  const logLevel = checked('LOG_LEVEL', `one of ${LOG_LEVELS.join(', ')}`, (text) =>
    LOG_LEVELS.find((level) => level === text),
  );
  const host = read('HOST')!;
  const dkim = readDkim(env, fault);
  const keys = readSigningKeys(env, production, read, fault);

  if (faults.length > 0) throw new SettingsError(faults);
  return Object.freeze({
    production,
    host,
    port: port!,
    publicUrl: publicUrl!,
    databaseUrl: databaseUrl!,
    dataKeys,
    dataDir,
    signingKeys: keys.ring,
    signingKeysFile: keys.file,
    relays: relays ?? [],
    mailFrom: mailFrom!,
    dkim,
    apiKey,
    redirectUris,
    templatesDir: templatesDir!,
    retention: retention! * 1000,
    limits,
    trustProxy: trustProxy ?? false,
    logLevel: logLevel!,
  });
}

/** What is taken otherwise than it was said: worth a word at the start and of `oncelink doctor`. */
export function doubtsAbout({ retention }: Settings): string[] {
  return retention < IDEMPOTENCY_LIFETIME ? ['RETENTION is less than a day and counts as 1d; set 1d or more'] : [];
}

function readSigningKeys(
  env: Readonly<Record<string, string | undefined>>,
  production: boolean,
  read: (name: string, remedy?: string) => string | undefined,
  fault: (name: string, problem: string) => void,
): { ring?: KeyRing; file?: string } {
  const attempt = (name: string, work: () => KeyRing): KeyRing | undefined => {
    try {
      return work();
    } catch (error) {
      for (const problem of (error as KeySetError).faults) fault(name, problem);
      return undefined;
    }
  };
  const inline = env.SIGNING_KEYS?.trim();
  if (inline) return { ring: attempt('SIGNING_KEYS', () => KeyRing.fromJwks(inline)) };
  const file = read(
    'SIGNING_KEYS_FILE',
    'a file with a JWK Set, or give the set itself in SIGNING_KEYS; `oncelink signing-keys rotate` makes one',
  );
  if (file === undefined || (!production && !existsSync(file))) return { file };
  return { file, ring: attempt('SIGNING_KEYS_FILE', () => readKeyFile(file, production)) };
}

/** https, or http on loopback; a path is allowed, for services that stand behind a prefix. */
function readPublicUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) return undefined;
  if (url.search || url.hash || url.username || url.password) return undefined;
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

function readTrustProxy(text: string): Settings['trustProxy'] | undefined {
  if (text === 'off' || text === 'false' || text === '0') return false;
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  const addresses = list(text);
  return addresses.every((address) => /^[0-9a-fA-F.:]+(\/\d{1,3})?$|^(loopback|linklocal|uniquelocal)$/.test(address))
    ? addresses
    : undefined;
}

function readQuotas(text: string): Quota[] | undefined {
  const quotas = list(text).map((rule) => {
    const [, count, duration = ''] = /^([1-9]\d{0,4})\/(.+)$/.exec(rule) ?? [];
    return { count: Number(count), window: parseDuration(duration) ?? 0 };
  });
  const fits = ({ count, window }: Quota): boolean =>
    count <= MAX_QUOTA_COUNT && window > 0 && window <= MAX_QUOTA_WINDOW;
  return quotas.every(fits) ? quotas : undefined;
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}
