import { ApiHeader } from '@nestjs/swagger';
import { RequestInvalid } from '../links/errors.js';

export const IDEMPOTENCY_KEY = ApiHeader({
  name: 'Idempotency-Key',
  required: false,
  description: 'at most 128 characters; kept for 24 hours',
  schema: { type: 'string', maxLength: 128 },
});

/** @throws RequestInvalid */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x21-\x7e]{1,128}$/.test(header)) return header;
  throw RequestInvalid.at(
    '',
    'the header Idempotency-Key must have 1 to 128 printable ASCII characters without spaces',
  );
}
