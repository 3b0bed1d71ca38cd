/** Lets what ends one by one go on together: writing many down costs little more than writing one. */
export class Gathering {
  private waiting: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;

  /** @param patience longest wait, in ms */
  constructor(private readonly patience: number) {}

  /** @param enough how many need not wait for more */
  join(enough: number): Promise<void> {
    return new Promise((go) => {
      if (this.waiting.push(go) >= enough) this.release();
      else this.timer ??= setTimeout(() => this.release(), this.patience);
    });
  }

  private release(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const go of this.waiting.splice(0)) go();
  }
}
