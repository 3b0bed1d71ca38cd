import {
  ConfigurableModuleBuilder,
  Global,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Clock } from '../clock.js';
import type { DkimKey } from './dkim.js';
import { Inbox } from './inbox.js';
import { Mailer, type Sender } from './mailer.js';
import { createRelay, inboxTransport } from './transports.js';

export interface MailOptions {
  /** `smtp:`, `smtps:`, `sendmail:` and `file:` URLs, tried in order; none: an in-memory inbox keeps the mail (never in production) */
  readonly relays: readonly string[];
  readonly from: Sender;
  /** signs every mail that leaves */
  readonly dkim?: DkimKey;
  /** default the system's */
  readonly clock?: Clock;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<MailOptions>()
  .setClassMethodName('forRoot')
  .build();

@Injectable()
class CloseMailer implements OnApplicationShutdown {
  constructor(@Inject(Mailer) private readonly mailer: Mailer) {}

  onApplicationShutdown(): void {
    this.mailer.close();
  }
}

/** Hands letters to the relays; exports the `Mailer` and the `Inbox` to every module. */
@Global()
@Module({
  providers: [
    Inbox,
    {
      provide: Mailer,
      inject: [MODULE_OPTIONS_TOKEN, Inbox],
      useFactory: ({ relays, from, dkim, clock }: MailOptions, inbox: Inbox) =>
        new Mailer(
          relays.length > 0 ? relays.map((url) => createRelay(url, dkim)) : [inboxTransport(inbox)],
          from,
          clock,
        ),
    },
    CloseMailer,
  ],
  exports: [Mailer, Inbox],
})
export class MailModule extends ConfigurableModuleClass {}
