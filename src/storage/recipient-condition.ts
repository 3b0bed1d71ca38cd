import type { RecipientKeys } from '../links/link-store.js';

/** Appends the values to `values`. @returns the condition that a link, while it knows its recipient, is one of theirs */
export function recipientIs(recipients: readonly RecipientKeys[], values: unknown[]): string {
  const any = recipients.map(({ key, addressKey }) => {
    const mailbox = `l.recipient_key = $${values.push(key)}`;
    if (addressKey === undefined) return mailbox;
    const tag = addressKey === null ? 'IS NULL' : `= $${values.push(addressKey)}`;
    return `(${mailbox} AND l.address_key ${tag})`;
  });
  return `AND (${any.join(' OR ')}) AND l.recipient IS NOT NULL`;
}
