#!/usr/bin/env node
import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { CommanderError } from 'commander';
import { tell } from './failure.js';
import { createProgram } from './program.js';

/** Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
const WRONG_USAGE = 2;

// `oncelink apps list | head -1` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

// What is written here (a database, keys) is for this user only.
process.umask(0o077);

try {
  // The same settings as the service's: what is in the environment wins over the file.
  if (existsSync('.env')) process.loadEnvFile('.env');
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed it already; asking for help or the version is no mistake.
    process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
  } else {
    process.stderr.write(`${tell(error)}\n`);
    process.exitCode = 1;
  }
}
