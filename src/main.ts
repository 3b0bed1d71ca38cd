import './steady-ticks.js';
import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { runFast, startSmall } from './heap.js';
import { KeyFile } from './links/key-file.js';
import { createLogger, redact, type Logger } from './log.js';
import { createService, type Service } from './service.js';
import { readSettings, SETTINGS, SettingsError, type Settings } from './settings.js';

/** In-flight requests and mails get this long to finish, in ms. */
const DRAIN = 10_000;

/**
 * Connections that may wait to be accepted; the system may allow fewer. With Node's 511 a crowd that comes back at once
 * loses its first packets, and waits for a second or more until it sends them again.
 */
const BACKLOG = 4_096;

const HOST_ADVICE = '127.0.0.1 for this machine only, 0.0.0.0 for everybody, or one of its own addresses';

startSmall();

// What is written here (database, keys) is for this user only.
process.umask(0o077);

try {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings(process.env);
  // Nobody needs them again, and a diagnostic report would write them down.
  for (const { name, secret } of SETTINGS) if (secret) delete process.env[name];
  const logger = createLogger(settings.logLevel);
  tellCrashes(logger);
  let started: Service | undefined;
  stopOnSignals(() => started);
  const service = (started = await createService(settings, logger));
  process.on('SIGHUP', () => reloadKeys(service, logger));
  await service.app
    .listen({ port: settings.port, host: settings.host, backlog: BACKLOG })
    .catch((error: Error) => Promise.reject(inSettings(error, settings)));
  if (!settings.production) greet(settings, service);
  runFast();
  logger.info({ url: settings.publicUrl, production: settings.production }, 'ready');
} catch (error) {
  // Faults of the operator's making are told in plain words; only a fault of ours needs its stack.
  const { message, stack } = error as Error;
  const ours = error instanceof TypeError || error instanceof ReferenceError || !message;
  // Faults of settings repeat no values, and how to write an address is part of the advice.
  process.stderr.write(`${error instanceof SettingsError ? message : redact((ours ? stack : message)!)}\n`);
  process.exit(1);
}

/**
 * What nobody caught ends the process. Node itself would print all that hangs on the error: a driver's statement with
 * its parameters, a request with its token.
 */
function tellCrashes(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal({ error }, 'the service crashed');
    process.exit(1);
  });
}

/** SIGTERM or SIGINT drains and exits with 0; a second signal exits at once. @param started nothing has begun without it */
function stopOnSignals(started: () => Service | undefined): void {
  let stopping = false;
  const stop = (): void => {
    const service = started();
    if (!service) process.exit(0);
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => process.exit(0), DRAIN).unref();
    service.app.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** Why nobody can listen there, by the setting that is to be mended. */
function inSettings(error: NodeJS.ErrnoException, { host, port }: Settings): Error {
  const faults: Readonly<Record<string, string>> = {
    EADDRINUSE: `PORT ${port} is in use: stop what listens there, or set another`,
    EACCES: `PORT ${port} may not be used by this user: set one from 1024 on`,
    EADDRNOTAVAIL: `HOST ${host} is not an address of this machine: ${HOST_ADVICE}`,
    ENOTFOUND: `HOST ${host} is not known as an address: ${HOST_ADVICE}`,
    EAI_AGAIN: `HOST ${host} could not be looked up: ${HOST_ADVICE}`,
  };
  const fault = faults[error.code ?? ''];
  return fault === undefined ? error : new SettingsError([fault]);
}

/** The file is looked at every second anyway; a signal is for those who expect it, and must not end the process. */
function reloadKeys({ app }: Service, logger: Logger): void {
  const file = app.get<KeyFile | undefined>(KeyFile);
  if (file) void file.look();
  else logger.warn('SIGNING_KEYS are given inline: to change them, restart');
}

function greet({ publicUrl, relays }: Settings, { newApiKey }: Service): void {
  const lines = [
    '',
    '  Oncelink is running.',
    '',
    `  Demo app     ${publicUrl}/demo`,
    relays.length > 0 ? `  Mail         goes to ${relays.length} relay(s)` : `  Dev inbox    ${publicUrl}/dev/inbox`,
    `  Templates    ${publicUrl}/dev/templates`,
    `  API          ${publicUrl}/docs`,
    `  Health       ${publicUrl}/health/ready`,
    '',
    newApiKey === undefined
      ? '  API key      made at the first start, or given in API_KEY; `npx oncelink keys create` makes another'
      : `  API key      ${newApiKey}   (shown only now)`,
    '',
    '',
  ];
  process.stdout.write(lines.join('\n'));
}
