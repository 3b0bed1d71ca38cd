import { Module, type DynamicModule } from '@nestjs/common';
import type { CourierOptions } from './links/courier.js';
import { HttpModule } from './http/http.module.js';
import type { KeyRing } from './links/key-ring.js';
import { LinksModule } from './links/links.module.js';
import { MailModule } from './mail/mail.module.js';
import type { Settings } from './settings.js';
import { StorageModule } from './storage/storage.module.js';

/** The service: our own public modules, composed with settings. */
@Module({})
export class AppModule {
  static for(settings: Settings, signingKeys: KeyRing, log: CourierOptions['log']): DynamicModule {
    const { publicUrl, templatesDir, databaseUrl, production } = settings;
    return {
      module: AppModule,
      imports: [
        // PostgreSQL in production is shared by instances, and migrated on purpose, once, before they start.
        StorageModule.forRoot({ url: databaseUrl, migrate: !production || databaseUrl.startsWith('sqlite:') }),
        MailModule.forRoot({ relays: settings.relays, from: settings.mailFrom }),
        LinksModule.forRoot({ publicUrl, signingKeys, templatesDir, retention: settings.retention, log }),
        HttpModule.forRoot({ publicUrl, templatesDir }),
      ],
    };
  }
}
