import {
  ConfigurableModuleBuilder,
  Global,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Inbox } from './inbox.js';
import { Mailer, type Sender } from './mailer.js';
import { createRelay, inboxTransport } from './transports.js';

export interface MailOptions {
  /** `smtp://` and `smtps://` URLs, tried in order; none: an in-memory inbox keeps the mail (never in production) */
  readonly relays: readonly string[];
  readonly from: Sender;
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
      useFactory: ({ relays, from }: MailOptions, inbox: Inbox) =>
        new Mailer(relays.length > 0 ? relays.map(createRelay) : [inboxTransport(inbox)], from),
    },
    CloseMailer,
  ],
  exports: [Mailer, Inbox],
})
export class MailModule extends ConfigurableModuleClass {}
