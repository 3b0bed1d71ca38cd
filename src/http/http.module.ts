import { ConfigurableModuleBuilder, Global, Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { ApiKeys } from '../apps/api-keys.js';
import { APP_STORE, type AppStore } from '../apps/app.js';
import type { Clock } from '../clock.js';
import { Courier } from '../links/courier.js';
import { LINK_STORE, type LinkStore } from '../links/link-store.js';
import { CLOCK, PURPOSES } from '../links/links.module.js';
import type { AnyPurpose } from '../links/purpose.js';
import { linkPurposes } from '../links/purposes.js';
import { Mailer } from '../mail/mailer.js';
import { Health } from './health.js';
import { KeptFile } from './kept-file.js';
import { LinksController } from './links.controller.js';
import { MessagesController } from './messages.controller.js';
import { Metrics } from './metrics.js';
import { NotificationsController } from './notifications.controller.js';
import { PageVisits } from './page-visits.js';
import { PagesController } from './pages.controller.js';
import { Pages } from './pages.js';
import { PUBLIC_URL } from './public-url.js';
import { ReportsController } from './reports.controller.js';
import { PurposesController, ServiceController } from './service.controller.js';
import { Strangers } from './strangers.js';

export interface HttpOptions {
  readonly publicUrl: string;
  readonly templatesDir: string;
  /** the file of an embedded database: the instance is ready only while the one that was opened is there */
  readonly databaseFile?: string;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: OPTIONS } = new ConfigurableModuleBuilder<HttpOptions>()
  .setClassMethodName('forRoot')
  .build();

/** First thing when the application closes: no client may keep its connection, or the shutdown would wait for it. */
@Injectable()
class DrainFirst implements OnModuleDestroy {
  constructor(@Inject(Health) private readonly health: Health) {}

  onModuleDestroy(): void {
    this.health.drain();
  }
}

/** The HTTP API and the pages, on Fastify. Call `prepareHttp` on the application before it listens. */
@Global()
@Module({
  controllers: [
    LinksController,
    NotificationsController,
    MessagesController,
    PurposesController,
    ServiceController,
    PagesController,
    ReportsController,
  ],
  providers: [
    { provide: PUBLIC_URL, inject: [OPTIONS], useFactory: ({ publicUrl }: HttpOptions) => publicUrl },
    {
      provide: ApiKeys,
      inject: [APP_STORE, CLOCK],
      useFactory: (store: AppStore, clock: Clock) => new ApiKeys(store, clock),
    },
    {
      provide: Health,
      inject: [OPTIONS, LINK_STORE, Courier, Mailer],
      useFactory: ({ databaseFile: file }: HttpOptions, store: LinkStore, courier: Courier, mailer: Mailer) =>
        new Health(store, courier, mailer, file === undefined ? undefined : new KeptFile(file)),
    },
    { provide: Metrics, inject: [Mailer], useFactory: (mailer: Mailer) => new Metrics(() => mailer.circuits()) },
    Strangers,
    PageVisits,
    DrainFirst,
    {
      provide: Pages,
      inject: [OPTIONS, PURPOSES, APP_STORE],
      useFactory: ({ templatesDir }: HttpOptions, purposes: ReadonlyMap<string, AnyPurpose>, apps: AppStore) =>
        new Pages(templatesDir, linkPurposes(purposes).keys(), apps),
    },
  ],
  exports: [ApiKeys, Health, Metrics, Pages],
})
export class HttpModule extends ConfigurableModuleClass {}
