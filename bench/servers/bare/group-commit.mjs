const MOST = 256;

/** While one batch is on its way to disk, whatever arrives gathers into the next. */
export function groupCommit(run) {
  let waiting = [];
  let running = false;

  async function pump() {
    running = true;
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST);
      waiting = waiting.slice(MOST);
      try {
        const answers = await run(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(answers[index]));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void pump();
    });
}
