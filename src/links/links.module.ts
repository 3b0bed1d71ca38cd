import {
  ConfigurableModuleBuilder,
  Global,
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { APP_STORE, type AppStore } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { Letters } from '../mail/letters.js';
import { Mailer } from '../mail/mailer.js';
import { ConfirmPage } from './confirm-page.js';
import { Courier } from './courier.js';
import { IDEMPOTENCY_LIFETIME } from './judgement.js';
import { KeyFile, type KeyEvent } from './key-file.js';
import { KeyRing } from './key-ring.js';
import { LinkIds } from './link-ids.js';
import { Limits, type SharedLimits } from './limits.js';
import { LINK_STORE, type LinkStore } from './link-store.js';
import { Links } from './links.service.js';
import { MESSAGE_STORE, type MessageStore } from './message-store.js';
import { Messages } from './messages.service.js';
import { Notifications } from './notifications.js';
import type { AnyPurpose } from './purpose.js';
import { lettersFor, linkPurposes, loadPurposes, notificationPurposes } from './purposes.js';
import { Postman, type CourierLog } from './postman.js';
import { Renewals } from './renewals.js';
import { Reports } from './reports.js';
import { Sweeper } from './sweeper.js';
import { Tokens } from './tokens.js';

export interface LinksOptions {
  /** the only base of links, without a trailing slash, and the tokens' `iss` */
  readonly publicUrl: string;
  readonly signingKeys: KeyRing;
  /** the file they were read from: what changes in it takes effect while the service runs */
  readonly signingKeysFile?: {
    readonly path: string;
    /** whether a file that other users can read is refused; default false */
    readonly strict?: boolean;
  };
  /** holds `layouts`, `pages` and `purposes` */
  readonly templatesDir: string;
  /** limits per app and of the service; default none */
  readonly limits?: SharedLimits;
  /** how long a finished link's row stays, in ms; default 30 days */
  readonly retention?: number;
  /** default the system's */
  readonly clock?: Clock;
  readonly log?: (event: Parameters<CourierLog>[0] | KeyEvent, facts: Record<string, unknown>) => void;
  /** whether to mail in the background; default true. Otherwise call `Courier.runOnce` yourself */
  readonly courier?: boolean;
}

/** The configured purposes: `ReadonlyMap<string, AnyPurpose>`. */
export const PURPOSES = Symbol('PURPOSES');
export const CLOCK = Symbol('CLOCK');

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: OPTIONS } = new ConfigurableModuleBuilder<LinksOptions>()
  .setClassMethodName('forRoot')
  .build();

/** Starts the courier when everything is up, and lets the mails under way finish before anything is closed. */
@Injectable()
class Lifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(OPTIONS) private readonly options: LinksOptions,
    @Inject(Courier) private readonly courier: Courier,
    @Inject(KeyFile) private readonly keyFile: KeyFile | undefined,
  ) {}

  onApplicationBootstrap(): void {
    if (this.options.courier !== false) this.courier.start();
    this.keyFile?.follow();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.keyFile?.stop();
    await this.courier.stop();
  }
}

/** Lets `Links` wake the courier, which itself needs `Links`. */
class CourierBell {
  ring = (): void => {};
}

/**
 * Mints, redeems and mails links. Needs a LINK_STORE, a MESSAGE_STORE, an APP_STORE and a `Mailer`; exports `Links`,
 * `Notifications` and `Messages`.
 */
@Global()
@Module({
  providers: [
    CourierBell,
    { provide: CLOCK, inject: [OPTIONS], useFactory: ({ clock }: LinksOptions) => clock ?? Date.now },
    { provide: KeyRing, inject: [OPTIONS], useFactory: ({ signingKeys }: LinksOptions) => signingKeys },
    {
      provide: KeyFile,
      inject: [OPTIONS],
      useFactory: ({ signingKeys, signingKeysFile: file, log = () => {} }: LinksOptions) =>
        file && new KeyFile(file.path, file.strict ?? false, signingKeys, log),
    },
    {
      provide: PURPOSES,
      inject: [OPTIONS],
      useFactory: ({ templatesDir }: LinksOptions) => loadPurposes(templatesDir),
    },
    {
      provide: Letters,
      inject: [OPTIONS, PURPOSES],
      useFactory: ({ templatesDir }: LinksOptions, purposes: ReadonlyMap<string, AnyPurpose>) =>
        lettersFor(templatesDir, purposes),
    },
    {
      provide: Tokens,
      inject: [OPTIONS, PURPOSES, CLOCK],
      useFactory: ({ signingKeys, publicUrl }: LinksOptions, purposes: ReadonlyMap<string, AnyPurpose>, clock: Clock) =>
        new Tokens(signingKeys, publicUrl, new Set(linkPurposes(purposes).keys()), clock),
    },
    {
      provide: LinkIds,
      inject: [LINK_STORE, CLOCK],
      useFactory: async (store: LinkStore, clock: Clock) => {
        const ids = new LinkIds(clock);
        ids.startAfter((await store.newestId()) ?? '');
        return ids;
      },
    },
    {
      provide: Limits,
      inject: [OPTIONS, PURPOSES],
      useFactory: ({ limits }: LinksOptions, purposes: ReadonlyMap<string, AnyPurpose>) => new Limits(purposes, limits),
    },
    {
      provide: Links,
      inject: [OPTIONS, LINK_STORE, Tokens, PURPOSES, Limits, LinkIds, CLOCK, CourierBell],
      useFactory: (
        { publicUrl }: LinksOptions,
        store: LinkStore,
        tokens: Tokens,
        purposes: ReadonlyMap<string, AnyPurpose>,
        limits: Limits,
        ids: LinkIds,
        clock: Clock,
        bell: CourierBell,
      ) => new Links(store, tokens, linkPurposes(purposes), limits, ids, publicUrl, clock, () => bell.ring()),
    },
    {
      provide: Notifications,
      inject: [LINK_STORE, PURPOSES, Limits, LinkIds, CLOCK, CourierBell],
      useFactory: (
        store: LinkStore,
        purposes: ReadonlyMap<string, AnyPurpose>,
        limits: Limits,
        ids: LinkIds,
        clock: Clock,
        bell: CourierBell,
      ) => new Notifications(store, notificationPurposes(purposes), limits, ids, clock, () => bell.ring()),
    },
    {
      provide: Messages,
      inject: [MESSAGE_STORE, PURPOSES, CLOCK, CourierBell],
      useFactory: (store: MessageStore, purposes: ReadonlyMap<string, AnyPurpose>, clock: Clock, bell: CourierBell) =>
        new Messages(store, purposes, clock, () => bell.ring()),
    },
    {
      provide: ConfirmPage,
      inject: [LINK_STORE, Tokens, PURPOSES, CLOCK],
      useFactory: (store: LinkStore, tokens: Tokens, purposes: ReadonlyMap<string, AnyPurpose>, clock: Clock) =>
        new ConfirmPage(store, tokens, linkPurposes(purposes), clock),
    },
    {
      provide: Reports,
      inject: [LINK_STORE, MESSAGE_STORE, Tokens, PURPOSES, CLOCK],
      useFactory: (
        links: LinkStore,
        messages: MessageStore,
        tokens: Tokens,
        purposes: ReadonlyMap<string, AnyPurpose>,
        clock: Clock,
      ) => new Reports(links, messages, tokens, linkPurposes(purposes), clock),
    },
    {
      provide: Renewals,
      inject: [LINK_STORE, Tokens, PURPOSES, Limits, LinkIds, CLOCK, Links, CourierBell],
      useFactory: (
        store: LinkStore,
        tokens: Tokens,
        purposes: ReadonlyMap<string, AnyPurpose>,
        limits: Limits,
        ids: LinkIds,
        clock: Clock,
        links: Links,
        bell: CourierBell,
      ) => new Renewals(store, tokens, linkPurposes(purposes), limits, ids, clock, links, () => bell.ring()),
    },
    {
      provide: Courier,
      inject: [OPTIONS, LINK_STORE, MESSAGE_STORE, Links, Limits, APP_STORE, Letters, Mailer, CLOCK, CourierBell],
      useFactory: (
        options: LinksOptions,
        store: LinkStore,
        messages: MessageStore,
        links: Links,
        limits: Limits,
        apps: AppStore,
        letters: Letters,
        mailer: Mailer,
        clock: Clock,
        bell: CourierBell,
      ) => {
        // Limits and Idempotency-Keys are looked up in the rows.
        const retention = Math.max(options.retention ?? 30 * 86_400_000, limits.reach, IDEMPOTENCY_LIFETIME);
        const sweeper = new Sweeper(store, messages, clock, retention);
        const log = options.log ?? (() => {});
        const postman = new Postman(links, letters, mailer, clock, Math.random, log);
        const courier = new Courier(store, messages, apps, postman, sweeper, clock, log);
        // The answer goes first.
        bell.ring = () => void setImmediate(() => courier.wake());
        return courier;
      },
    },
    Lifecycle,
  ],
  exports: [
    Links,
    Notifications,
    Messages,
    ConfirmPage,
    Renewals,
    Reports,
    Courier,
    Tokens,
    KeyRing,
    KeyFile,
    PURPOSES,
    CLOCK,
  ],
})
export class LinksModule extends ConfigurableModuleClass {}
