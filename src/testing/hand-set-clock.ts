/** A clock that stands still until it is set; pass `clock.now` where a `Clock` is wanted. */
export class HandSetClock {
  /** @param time milliseconds since the Unix epoch */
  constructor(public time = Date.now()) {}

  readonly now = (): number => this.time;

  advance(seconds: number): void {
    this.time += seconds * 1000;
  }
}
