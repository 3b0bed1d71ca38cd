import { doubtsAbout, readSettings, SettingsError } from '../../settings.js';
import { readTemplates } from '../../templates.js';
import { settingsFor } from '../settings-for.js';
import { count } from '../output.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** The oldest Node with `process.loadEnvFile` that the service is tested on. */
const OLDEST_NODE = [20, 12] as const;

export function* checkNode(): Iterable<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const recent = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  yield recent
    ? ok('node', process.versions.node)
    : fail('node', `${process.versions.node} is too old; install ${OLDEST_NODE.join('.')} or newer`);
}

/** One line per fault: each is mended by itself. */
export function* checkSettings(): Iterable<Finding> {
  try {
    const settings = readSettings(process.env);
    yield ok('settings', `complete for ${settings.production ? 'production' : 'development'}`);
    for (const doubt of doubtsAbout(settings)) yield warn('settings', doubt);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const fault of error.faults) yield fail('settings', fault);
  }
}

export function* checkPublicUrl(): Iterable<Finding> {
  const { publicUrl, production } = settingsFor(['publicUrl']);
  if (production && !publicUrl.startsWith('https:'))
    yield warn(
      'public url',
      `${publicUrl} opens on this machine only; in production set PUBLIC_URL to the https URL people reach`,
    );
  else if (!production && !isOfThisMachine(publicUrl))
    yield fail(
      'public url',
      `${publicUrl} is not of this machine, but NODE_ENV is not production: whoever reaches it can read the dev inbox and set the clock; set NODE_ENV=production`,
    );
  else yield ok('public url', publicUrl);
}

function isOfThisMachine(url: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}

export function* checkTemplates(): Iterable<Finding> {
  const { purposes, letters, faults, gaps } = readTemplates(settingsFor(['templatesDir']).templatesDir);
  for (const { message } of faults) yield fail('templates', message);
  if (faults.length > 0) return;
  const written = [...purposes.keys()].flatMap((name) => letters!.locales(name)).length;
  yield ok('templates', `${count(purposes.size, 'purpose')}, ${count(written, 'letter')}`);
  if (gaps.length > 0)
    yield warn('templates', `${count(gaps.length, 'translation')} missing; \`oncelink templates lint\` names them`);
}
