/** A fault in the templates folder, with the place to mend. */
export class TemplateFault extends Error {
  constructor(
    readonly file: string,
    readonly line: number,
    readonly detail: string,
  ) {
    super(`${file}:${line} ${detail}`);
  }
}

/** Faults of the templates folder, all in one message: they stop the start. */
export class TemplatesError extends Error {
  constructor(readonly faults: readonly TemplateFault[]) {
    const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
    super(`The templates have ${count}:\n${faults.map((fault) => `  - ${fault.message}`).join('\n')}`);
  }
}

/** Collects the faults of many readings, so that all are told at once. */
export class Faults {
  readonly list: TemplateFault[] = [];

  /** @returns the result, or undefined if it threw a fault, which is kept */
  attempt<Result>(read: () => Result): Result | undefined {
    try {
      return read();
    } catch (error) {
      if (error instanceof TemplatesError) this.list.push(...error.faults);
      else if (error instanceof TemplateFault) this.list.push(error);
      else throw error;
      return undefined;
    }
  }

  /** @throws TemplatesError if there is any */
  throwIfAny(): void {
    if (this.list.length > 0) throw new TemplatesError(this.list);
  }
}
