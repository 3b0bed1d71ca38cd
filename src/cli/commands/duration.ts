import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../clock.js';

/** @returns seconds */
export function readDuration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new InvalidArgumentError('A duration is 30s, 10m, 2h, 90d or whole seconds.');
}
