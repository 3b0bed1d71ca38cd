import { tell } from './size.js';

/** A repeatable source of chance: the seed is printed, and `FAULTS_SEED` gives it back. */
export class Chance {
  private state: number;

  constructor(readonly seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))) {
    this.state = seed;
    tell(`seed ${seed} (FAULTS_SEED=${seed} repeats it)`);
  }

  /** @returns a whole number from 0 to `below` - 1 */
  below(below: number): number {
    // mulberry32
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  oneOf<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }
}
