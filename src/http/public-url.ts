/** Nest's token for the public URL, without a trailing slash. */
export const PUBLIC_URL = Symbol('PUBLIC_URL');
