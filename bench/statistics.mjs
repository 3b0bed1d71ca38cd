/** @param {readonly number[]} sorted ascending */
export function quantile(sorted, q) {
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** @param {readonly (number | null)[]} values */
export function median(values) {
  const sorted = values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @returns one sample whose every number is the median of that number in all samples; lists are left out */
export function medianOf(samples) {
  return Object.fromEntries(
    Object.entries(samples[0])
      .filter(([, value]) => !Array.isArray(value))
      .map(([name, value]) => {
        const values = samples.map((sample) => sample[name]);
        return [name, typeof value === 'object' && value !== null ? medianOf(values) : median(values)];
      }),
  );
}
