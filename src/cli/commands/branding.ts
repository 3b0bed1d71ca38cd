import { InvalidArgumentError, type Command } from 'commander';
import { readFileSync } from 'node:fs';
import { parseRecipient } from '../../links/recipient.js';
import { colourFault } from '../../mail/colours.js';
import { logoImage, readLogo } from '../../mail/logo.js';
import { parseSender, type Sender } from '../../mail/mailer.js';

/** How an app looks and who its mails come from; an empty one goes back to the service's own. */
export interface BrandingOptions {
  colour?: string;
  logo?: string;
  from?: Sender | '';
  replyTo?: string;
}

export function addBranding(command: Command): Command {
  return command
    .option('--colour <#rrggbb>', 'of buttons and links, dark enough for white text on it; or none', none(readColour))
    .option(
      '--logo <file>',
      'PNG, JPEG, GIF or WebP, at most 32 KiB, or a data: URI; or none: the name',
      none(readImage),
    )
    .option('--from <sender>', 'who its mails come from: "Name <address>"; or none: MAIL_FROM', none(readSender))
    .option('--reply-to <address>', 'where answers to its mails go; or none', none(readAddress));
}

export function readName(text: string): string {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{1,80}$/u.test(text) && text.trim() === text) return text;
  throw new InvalidArgumentError('A name is one line of at most 80 characters.');
}

function none<Value>(read: (text: string) => Value): (text: string) => Value | '' {
  return (text) => (text === 'none' ? '' : read(text));
}

function readColour(text: string): string {
  const colour = text.toLowerCase();
  const fault = colourFault(colour);
  if (fault) throw new InvalidArgumentError(`It ${fault}.`);
  return colour;
}

function readImage(text: string): string {
  if (text.startsWith('data:')) {
    if (logoImage(text)) return text;
    throw new InvalidArgumentError(
      'A data: URI of a logo is data:image/png;base64,… (or jpeg, gif, webp), at most 32 KiB.',
    );
  }
  let content: Buffer;
  try {
    content = readFileSync(text);
  } catch {
    throw new InvalidArgumentError('There is no such file that can be read.');
  }
  const read = readLogo(content);
  if ('fault' in read) throw new InvalidArgumentError(`It ${read.fault}.`);
  return read.logo;
}

/** The address is held to the rules for recipients: mailers repair what is odd into something else. */
function readSender(text: string): Sender {
  const sender = parseSender(text);
  if (!sender) throw new InvalidArgumentError('A sender is written like "The Shop <hello@shop.example>".');
  return { name: sender.name === '' ? '' : readName(sender.name), address: readAddress(sender.address) };
}

function readAddress(text: string): string {
  const address = parseRecipient(text);
  if (address === undefined)
    throw new InvalidArgumentError('An address is one plain mailbox, like hello@shop.example.');
  return address;
}
