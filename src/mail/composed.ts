import { wrap as foldedBase64 } from 'nodemailer/lib/base64/index.js';
import { encode as quotedPrintable, wrap as foldedText } from 'nodemailer/lib/qp/index.js';

/** A part of a message as nodemailer compiles it (RFC 2045, 2046); what it holds is in memory. */
export interface Part {
  /** Decides about the boundary, too. */
  buildHeaders(): string;
  getTransferEncoding(): string | false;
  readonly boundary: string | false;
  readonly childNodes: readonly Part[];
  readonly content?: string | Buffer;
}

/**
 * A message as it is sent. nodemailer would stream each part through pipes of its own, in little pieces, which takes as
 * long as everything else that is done for a mail.
 */
export function composed(part: Part): string {
  const head = `${part.buildHeaders()}\r\n\r\n`;
  const { boundary, childNodes, content = '' } = part;
  if (childNodes.length === 0) return head + encoded(Buffer.from(content as string), part.getTransferEncoding());
  const parts = childNodes.map((child) => `--${boundary}\r\n${composed(child)}\r\n`);
  return `${head}${parts.join('')}--${boundary}--\r\n`;
}

function encoded(bytes: Buffer, encoding: string | false): string {
  if (encoding === 'base64') return foldedBase64(bytes.toString('base64'));
  return encoding === 'quoted-printable' ? foldedText(quotedPrintable(bytes)) : bytes.toString();
}
