import { Module, type DynamicModule } from '@nestjs/common';
import { HttpModule } from './http/http.module.js';
import { LinksModule, type LinksOptions } from './links/links.module.js';
import { MailModule } from './mail/mail.module.js';
import type { Settings } from './settings.js';
import { fileOf } from './storage/engines.js';
import { StorageModule } from './storage/storage.module.js';

/** The service: our own public modules, composed with settings. */
@Module({})
export class AppModule {
  static for(
    settings: Settings,
    links: Pick<LinksOptions, 'signingKeys' | 'signingKeysFile' | 'clock' | 'log'>,
  ): DynamicModule {
    const { publicUrl, templatesDir, databaseUrl, production, limits } = settings;
    const file = fileOf(databaseUrl);
    return {
      module: AppModule,
      imports: [
        // PostgreSQL in production is shared by instances, and migrated on purpose, once, before they start.
        StorageModule.forRoot({
          url: databaseUrl,
          migrate: !production || file !== undefined,
          dataKeys: settings.dataKeys,
        }),
        MailModule.forRoot({
          relays: settings.relays,
          from: settings.mailFrom,
          dkim: settings.dkim,
          clock: links.clock,
        }),
        LinksModule.forRoot({ publicUrl, templatesDir, limits, retention: settings.retention, ...links }),
        HttpModule.forRoot({ publicUrl, templatesDir, databaseFile: file === ':memory:' ? undefined : file }),
      ],
    };
  }
}
