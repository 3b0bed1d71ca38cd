import { fileURLToPath } from 'node:url';
import { readSettings, SettingsError, type Settings } from '../settings.js';
import { Failure } from './failure.js';

/** What a command needs to know, and the variables that say so. */
const VARIABLES = {
  databaseUrl: ['DATABASE_URL'],
  dataKeys: ['DATA_KEYS'],
  templatesDir: ['TEMPLATES_DIR'],
  signingKeys: ['SIGNING_KEYS', 'SIGNING_KEYS_FILE'],
  signingKeysFile: ['SIGNING_KEYS', 'SIGNING_KEYS_FILE'],
  // Its default in development names the port.
  publicUrl: ['PUBLIC_URL', 'PORT'],
  relays: ['SMTP_URL'],
  dkim: ['DKIM_DOMAIN', 'DKIM_SELECTOR', 'DKIM_KEY_FILE'],
  limits: ['LIMIT_PER_APP', 'LIMIT_SERVICE'],
} as const;
export type Need = keyof typeof VARIABLES;

/** Stand-ins for the two whose defaults are looked up on the disk, below the current folder. */
const UNNEEDED = {
  TEMPLATES_DIR: fileURLToPath(new URL('../../templates', import.meta.url)),
  SIGNING_KEYS_FILE: fileURLToPath(new URL('none', import.meta.url)),
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads just the settings a command needs, by the service's own rules: a fault in any other is the service's affair.
 * Production stays production: what is required there has no default here either, so no command wanders off to `./data`.
 * @throws Failure with every fault among the needed ones
 */
export function settingsFor<Needed extends Need>(
  needs: readonly Needed[],
  env: Environment = process.env,
): Pick<Settings, Needed | 'production'> {
  try {
    return readSettings(env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const names = new Set<string>(['NODE_ENV', ...needs.flatMap((need) => VARIABLES[need])]);
    const faults = error.faults.filter((fault) => names.has(fault.split(' ', 1)[0]!));
    if (faults.length > 0) throw new Failure(faults.join('\n'));
    const needed = Object.fromEntries(Object.entries(env).filter(([name]) => names.has(name)));
    const standIns = Object.fromEntries(Object.entries(UNNEEDED).filter(([name]) => !names.has(name)));
    // The needed ones are given or have the same default everywhere, so the leniency of development reaches none of them.
    return {
      ...readSettings({ ...standIns, ...needed, NODE_ENV: 'development' }),
      production: env.NODE_ENV?.trim() === 'production',
    };
  }
}
