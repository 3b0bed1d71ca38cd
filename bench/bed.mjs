import { copyFileSync } from 'node:fs';
import { Load } from './load/load.mjs';
import { makeHome, Service } from './service.mjs';

/**
 * One server with its own database and its own load generator, for the time of `use`; then everything of it is gone.
 * @template Result
 * @param {{ subject: object, engine: string }} contestant
 * @param {import('./postgres.mjs').Postgres | undefined} postgres
 * @param {(bed: { service: Service, load: Load, measure: Function, home: object }) => Promise<Result>} use
 * @param {{ template?: string, environment?: object, fill?: (home: object) => Promise<void> }} [more]
 *   `template` is the URL of a database to begin with a copy of
 * @returns {Promise<Result>}
 */
export async function withServer({ subject, engine }, postgres, use, more = {}) {
  const own = engine === 'postgres' ? await postgres.createDatabase(more.template) : undefined;
  const home = await makeHome(own);
  let service;
  let load;
  try {
    if (more.template && !own) copyFileSync(...[more.template, home.databaseUrl].map(fileOf));
    await subject.prepare?.(home);
    await more.fill?.(home);
    await postgres?.checkpoint();
    service = await Service.start(subject, home, more.environment);
    load = new Load(subject, home.port);
    const measure = (command, options) => measured(service, load, postgres, engine, command, options);
    return await use({ service, load, measure, home });
  } finally {
    await load?.stop();
    await service?.stop();
    if (own) await postgres.dropDatabase(own);
    home.discard();
  }
}

function fileOf(sqliteUrl) {
  return sqliteUrl.slice('sqlite:'.length);
}

/** Runs one command of the load generator and adds what it cost the server and the database. */
async function measured(service, load, postgres, engine, command, options) {
  const before = await service.begin();
  const databaseBefore = engine === 'postgres' ? postgres.cpuMicros() : null;
  const result = await load.run(command, options);
  const databaseAfter = engine === 'postgres' ? postgres.cpuMicros() : null;
  const after = await service.end();
  return {
    ...result,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / result.requests,
    databaseCpuMicros: databaseBefore === null ? null : (databaseAfter - databaseBefore) / result.requests,
    loopDelayP99: after.loopDelayP99,
  };
}
