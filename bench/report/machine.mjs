import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, totalmem, version as kernel } from 'node:os';
import sqlite3 from 'sqlite3';

const require = createRequire(import.meta.url);
const PACKAGES = [
  'better-auth',
  'better-sqlite3',
  '@auth/core',
  '@auth/pg-adapter',
  '@nestjs/core',
  '@nestjs/platform-fastify',
  'fastify',
  'typeorm',
  'jsonwebtoken',
  'sqlite3',
  'pg',
];

/** What the figures depend on. */
export async function describeMachine(postgres) {
  return {
    cpu: cpus()[0]?.model.trim(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: kernel(),
    node: process.version,
    postgres: await postgres.version(),
    sqlite: await sqliteVersion(),
    sqliteOfBetterSqlite3: betterSqliteVersion(),
    packages: Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name)])),
    loadAverageAtStart: loadavg().map((load) => Number(load.toFixed(2))),
  };
}

function sqliteVersion() {
  return new Promise((resolve) => {
    const database = new sqlite3.Database(':memory:');
    database.get('SELECT sqlite_version() AS version', (_error, row) => database.close(() => resolve(row.version)));
  });
}

function betterSqliteVersion() {
  const Database = require('better-sqlite3');
  const database = new Database(':memory:');
  const version = database.prepare('SELECT sqlite_version()').pluck().get();
  database.close();
  return version;
}

/** Some packages hide their package.json behind `exports`, so it is looked for where npm puts it. */
function packageVersion(name) {
  const folders = require.resolve.paths(name);
  for (const folder of folders) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version;
    } catch {
      // further up
    }
  }
  return 'unknown';
}
