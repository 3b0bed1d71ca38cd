/** A picture that travels inside the mail, because mail programs load nothing and drop `data:` URIs. */
export interface InlineImage {
  readonly type: string;
  readonly content: Buffer;
}

/** What a mail's HTML calls the logo (RFC 2392). */
export const LOGO_CID = 'logo@oncelink';

const MAX_BYTES = 32 * 1024;
const DATA_URI = /^data:(image\/[a-z]+);base64,([A-Za-z0-9+/]+={0,2})$/;

/** THE LOGO TYPES: what mail programs show, by the bytes that the file begins with. SVG is not among them. */
const TYPES: Record<string, (content: Buffer) => boolean> = {
  'image/png': (content) => content.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')),
  'image/jpeg': (content) => content.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])),
  'image/gif': (content) => /^GIF8[79]a/.test(content.toString('latin1', 0, 6)),
  'image/webp': (content) => /^RIFF[^]{4}WEBP/.test(content.toString('latin1', 0, 12)),
};

/** @returns the data URI of an image file's bytes, or what is wrong with it and what to do */
export function readLogo(content: Buffer): { logo: string } | { fault: string } {
  const type = Object.keys(TYPES).find((name) => TYPES[name]!(content));
  if (!type) return { fault: 'must be a PNG, JPEG, GIF or WebP image; mail programs do not show SVG' };
  if (content.length > MAX_BYTES)
    return { fault: `must be at most ${MAX_BYTES / 1024} KiB, because every mail carries it; make the image smaller` };
  return { logo: `data:${type};base64,${content.toString('base64')}` };
}

/** @param uri a `data:` URI, as it is stored @returns the image, or undefined for anything that `readLogo` did not make */
export function logoImage(uri: string | undefined): InlineImage | undefined {
  const [, type = '', base64 = ''] = DATA_URI.exec(uri ?? '') ?? [];
  const content = Buffer.from(base64, 'base64');
  return TYPES[type]?.(content) && content.length <= MAX_BYTES ? { type, content } : undefined;
}
