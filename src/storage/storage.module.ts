import {
  ConfigurableModuleBuilder,
  Global,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { APP_STORE } from '../apps/app.js';
import { LINK_STORE } from '../links/link-store.js';
import { MESSAGE_STORE } from '../links/message-store.js';
import type { DataKeys } from './data-keys.js';
import type { Database } from './engines.js';
import { openWithSchema } from './schema.js';
import { SqlAppStore } from './sql-app-store.js';
import { openLinkStore, openMessageStore } from './stores.js';

export interface StorageOptions {
  /** `sqlite:PATH` or `postgres://…` */
  readonly url: string;
  /** bring the schema up to date at start; otherwise an out-of-date schema stops the start */
  readonly migrate: boolean;
  /** seal recipients, data and template data; default: no */
  readonly dataKeys?: DataKeys;
}

/** The open `Database`. */
export const DATABASE = Symbol('DATABASE');

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<StorageOptions>()
  .setClassMethodName('forRoot')
  .build();

@Injectable()
class CloseDatabase implements OnApplicationShutdown {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async onApplicationShutdown(): Promise<void> {
    if (this.database.dataSource.isInitialized) await this.database.dataSource.destroy();
  }
}

/** Keeps apps, API keys and links; exports LINK_STORE, MESSAGE_STORE and APP_STORE to every module. */
@Global()
@Module({
  providers: [
    { provide: DATABASE, inject: [MODULE_OPTIONS_TOKEN], useFactory: openWithSchema },
    {
      provide: LINK_STORE,
      inject: [DATABASE, MODULE_OPTIONS_TOKEN],
      useFactory: (database: Database, { dataKeys }: StorageOptions) => openLinkStore(database, dataKeys),
    },
    {
      provide: MESSAGE_STORE,
      inject: [DATABASE, MODULE_OPTIONS_TOKEN],
      useFactory: (database: Database, { dataKeys }: StorageOptions) => openMessageStore(database, dataKeys),
    },
    { provide: APP_STORE, inject: [DATABASE], useFactory: (database: Database) => new SqlAppStore(database) },
    CloseDatabase,
  ],
  exports: [DATABASE, LINK_STORE, MESSAGE_STORE, APP_STORE],
})
export class StorageModule extends ConfigurableModuleClass {}
