import type { JsonObject, Link, Scalars } from '../links/link.js';
import type { RecipientKeys } from '../links/link-store.js';
import { recipientKey, addressKey } from '../links/recipient.js';
import { DataKeys } from './data-keys.js';

/** Under this member a sealed object's text stands. */
const SEALED = '';

/** A link as it is stored: what says who somebody is sealed, and the keys it is looked up by blind. */
export function sealLink(keys: DataKeys, link: Link): Link {
  const seal = (column: string, text: string): string => keys.seal(text, `${link.id} ${column}`);
  return {
    ...blindKeys(keys, link),
    recipient: link.recipient === null ? null : seal('recipient', link.recipient),
    data: sealObject(link.data, (text) => seal('data', text)),
    templateData: sealObject(link.templateData, (text) => seal('template_data', text)) as Scalars,
    // It is a hash of the body, and whoever knows the rest of that could try addresses.
    requestDigest: link.requestDigest === null ? null : seal('request_digest', link.requestDigest),
  };
}

/** Whether it is sealed by a key that is not among these: another instance may have been given a new one already. */
export function isForeign(keys: DataKeys, { recipient, data, templateData, requestDigest }: Link): boolean {
  const texts = [recipient, data[SEALED], templateData[SEALED], requestDigest];
  return texts.some((text) => typeof text === 'string' && keys.isForeign(text));
}

/** The link again. What no key opens counts as forgotten. */
export function openLink<Stored extends Link>(keys: DataKeys, link: Stored): Stored {
  const open = (column: string, text: string): string | undefined => keys.open(text, `${link.id} ${column}`);
  const recipient = link.recipient === null ? null : (open('recipient', link.recipient) ?? null);
  return {
    ...link,
    recipient,
    ...(recipient !== null && { recipientKey: recipientKey(recipient), addressKey: addressKey(recipient) }),
    data: openObject(link.data, (text) => open('data', text)),
    templateData: openObject(link.templateData, (text) => open('template_data', text)) as Scalars,
    requestDigest: link.requestDigest === null ? null : (open('request_digest', link.requestDigest) ?? null),
  };
}

export function blindKeys(keys: DataKeys, link: Link): Link {
  return {
    ...link,
    recipientKey: keys.blind(link.recipientKey),
    addressKey: link.addressKey === null ? null : keys.blind(link.addressKey),
  };
}

/** Where a recipient's rows are: also those from before there were keys. */
export function bothForms(keys: DataKeys, recipients: readonly RecipientKeys[]): RecipientKeys[] {
  const blind = recipients.map(({ key, addressKey: tagged }) => ({
    key: keys.blind(key),
    addressKey: tagged && keys.blind(tagged),
  }));
  return [...blind, ...recipients];
}

function sealObject(object: JsonObject, seal: (text: string) => string): JsonObject {
  return Object.keys(object).length === 0 ? object : { [SEALED]: seal(JSON.stringify(object)) };
}

function openObject(object: JsonObject, open: (text: string) => string | undefined): JsonObject {
  const text = object[SEALED];
  const isSealed = typeof text === 'string' && DataKeys.isSealed(text) && Object.keys(object).length === 1;
  if (!isSealed) return object;
  const opened = open(text);
  return opened === undefined ? {} : (JSON.parse(opened) as JsonObject);
}
