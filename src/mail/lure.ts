const LURE = /@|\/\/|\\|www\.|[\p{L}\p{N}]\.[\p{L}]{2,}/iu;

/** Whether mail clients would make a link of a caller's text, escaped or not: our letter must not become a lure. */
export function isLure(value: unknown): boolean {
  return typeof value === 'string' && LURE.test(value);
}
