import { Unavailable } from '../links/errors.js';
import type { JsonObject, Link, LinkView, Scalars } from '../links/link.js';
import type { RecipientKeys } from '../links/link-store.js';
import { recipientKey, addressKey } from '../links/recipient.js';
import { DataKeys, SEALED } from './data-keys.js';

/** Under this member a sealed object's text stands. */
const TEXT = '';
/** Why something cannot be opened here, for whoever looks after the service. */
export const FOREIGN = 'sealed by a key that is not in DATA_KEYS here';

/** A link as it is stored: what says who somebody is sealed, and the keys it is looked up by blind. */
export function sealLink(keys: DataKeys, link: Link): Link {
  if (keys.areNone) return link;
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

/**
 * Whether it is sealed by a key that is not among these: another instance may have been given a new one already. One key
 * sealed all of a row, and the recipient tells which; a row that has forgotten that has nothing left but the digest.
 */
export function isForeign(keys: DataKeys, { recipient, requestDigest }: Link): boolean {
  return keys.isForeign(recipient ?? requestDigest ?? '');
}

/** The opposite, as a condition on the row `row`: what an instance cannot open it must not use up. */
export function isOpenable(keys: DataKeys, row: string): string {
  const known = keys.prefixes.map((prefix) => begins(row, prefix));
  return `(${[`${row}.recipient IS NULL`, `NOT ${isSealed(row)}`, ...known].join(' OR ')})`;
}

export function isSealed(row: string): string {
  return begins(row, SEALED);
}

/** No LIKE, which on SQLite takes large and small letters for the same. */
function begins(row: string, text: string): string {
  return `substr(${row}.recipient, 1, ${text.length}) = '${text}'`;
}

/** What somebody acts on is opened whole or not at all. @throws Unavailable; an instance that has the key can answer */
export function openWhole<Stored extends Link>(keys: DataKeys, link: Stored | undefined): Stored | undefined {
  if (link && isForeign(keys, link)) throw new Unavailable({ cause: new Error(FOREIGN) });
  return link && openLink(keys, link);
}

/** The link again. What no key opens counts as forgotten. */
export function openLink<Stored extends Link>(keys: DataKeys, link: Stored): Stored {
  if (keys.areNone && !isForeign(keys, link)) return link;
  const { recipient, data } = openView(keys, link);
  const { templateData, requestDigest } = link;
  return {
    ...link,
    recipient,
    data,
    ...(recipient !== null && { recipientKey: recipientKey(recipient), addressKey: addressKey(recipient) }),
    ...(isSealedText(link.recipient) && {
      templateData: openObject(keys, templateData, `${link.id} template_data`) as Scalars,
    }),
    requestDigest: requestDigest === null ? null : (keys.open(requestDigest, `${link.id} request_digest`) ?? null),
  };
}

/** What is told of a link, readable again. What no key opens counts as forgotten. */
export function openView(keys: DataKeys, view: LinkView): LinkView {
  const { id, recipient, data } = view;
  // In a row from before there were keys the data is the app's own, whatever it looks like.
  if (!isSealedText(recipient)) return view;
  return {
    ...view,
    recipient: keys.open(recipient, `${id} recipient`) ?? null,
    data: openObject(keys, data, `${id} data`),
  };
}

function isSealedText(recipient: string | null): recipient is string {
  return recipient !== null && DataKeys.isSealed(recipient);
}

export function blindKeys(keys: DataKeys, link: Link): Link {
  if (keys.areNone) return link;
  return {
    ...link,
    recipientKey: keys.blind(link.recipientKey),
    addressKey: link.addressKey === null ? null : keys.blind(link.addressKey),
  };
}

/** Where a recipient's rows are: also those from before there were keys. */
export function bothForms(keys: DataKeys, recipients: readonly RecipientKeys[]): readonly RecipientKeys[] {
  if (keys.areNone) return recipients;
  const blind = recipients.map(({ key, addressKey: tagged }) => ({
    key: keys.blind(key),
    addressKey: tagged && keys.blind(tagged),
  }));
  return [...blind, ...recipients];
}

function sealObject(object: JsonObject, seal: (text: string) => string): JsonObject {
  return Object.keys(object).length === 0 ? object : { [TEXT]: seal(JSON.stringify(object)) };
}

/** @param place what it was sealed for */
function openObject(keys: DataKeys, object: JsonObject, place: string): JsonObject {
  const text = object[TEXT];
  if (typeof text !== 'string') return object;
  const opened = keys.open(text, place);
  return opened === undefined ? {} : (JSON.parse(opened) as JsonObject);
}
