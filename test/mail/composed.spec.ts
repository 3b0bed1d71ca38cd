import MailComposer from 'nodemailer/lib/mail-composer/index.js';
import { composed, type Part } from '../../src/mail/composed.js';

const LINK = `https://links.example.com/l/${'eyJhbGciOiJIUzI1NiJ9.'.repeat(20)}?a=b&c==3D`;
const LOGO = { cid: 'logo', content: Buffer.from('PNG'.repeat(99)), contentType: 'image/png', contentDisposition: 'inline' as const }; // prettier-ignore

test.each([
  ['short lines', { text: 'Hello\n\n.\n..dots = 1\n', html: '<p>Hello</p>' }],
  ['a link', { text: `Open\r\n\r\n${LINK}\r\n`, html: `<p>\n  <a href="${LINK}">Open</a> \t\n</p>` }],
  ['other scripts', { subject: 'Grüße, مرحبا, こんにちは', text: 'こんにちは'.repeat(40), html: `<p dir="rtl">${'مرحبا '.repeat(50)}</p>` }], // prettier-ignore
  ['a logo', { text: `${LINK} `, html: `<img src="cid:logo">${LINK}`, attachments: [LOGO] }],
  ['text only', { text: `${'word '.repeat(60)}\n${'x'.repeat(2000)}` }],
  ['nothing', { text: '' }],
])('%s: what nodemailer would send', async (_name, letter) => {
  const message = {
    from: { name: 'Müller, "Söhne"', address: 'no-reply@mail.example' },
    to: { name: '', address: 'ann@example.com' },
    subject: 'Hello',
    date: new Date(0),
    messageId: '<id@mail.example>',
    textEncoding: 'quoted-printable' as const,
    baseBoundary: 'same',
    ...letter,
  };
  const compiled = () => new MailComposer(message).compile();
  const theirs = (await compiled().build()).toString().replace(/(\r\n)?$/, '');
  expect(composed(compiled() as unknown as Part).replace(/(\r\n)?$/, '')).toBe(theirs);
});
