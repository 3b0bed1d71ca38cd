import { colourFault, contrast, paletteOf } from '../../src/mail/colours.js';
import { logoImage, readLogo } from '../../src/mail/logo.js';

test('contrast is that of WCAG', () => {
  expect(contrast('#ffffff', '#000000')).toBeCloseTo(21);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  expect(contrast('#ffffff', '#777777')).toBeCloseTo(4.48, 2);
});

test.each(['#ffd400', '#7fd1c4', '#ff0000', '#ffffff', '#f0f'])('%s is refused, and the way out is told', (colour) => {
  const fault = colourFault(colour)!;
  const [way] = /#[0-9a-f]{6}(?=[ :])/.exec(fault)!;
  expect(colourFault(way)).toBeUndefined();
});

test.each([undefined, '#0b5d5b', '#8a1c4a', '#000000', '#b00020', '#5f5f00'])(
  'text can be read in every shade of %s, light and dark',
  (colour) => {
    const { accent, hover, dark, darkHover, tint, darkTint } = paletteOf(colour);
    for (const [text, ground] of [
      ['#ffffff', accent],
      ['#ffffff', hover],
      [accent, '#f3f4f8'],
      ['#10131a', dark],
      ['#10131a', darkHover],
      [dark, '#12151c'],
      [dark, '#1a1e27'],
    ] as const)
      expect([text, ground, contrast(text, ground) >= 4.5]).toEqual([text, ground, true]);
    // The sign on its disc is a picture, not text (WCAG 2.2, 1.4.11).
    expect(Math.min(contrast(accent, tint), contrast(dark, darkTint))).toBeGreaterThanOrEqual(3);
  },
);

const PNG = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');
const WEBP = Buffer.from('RIFF\x10\x00\x00\x00WEBPVP8 ', 'latin1');

test('a logo is known by its bytes, and comes back as it was', () => {
  for (const [content, type] of [
    [PNG, 'image/png'],
    [Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2]), 'image/jpeg'],
    [Buffer.from('GIF89a…', 'latin1'), 'image/gif'],
    [WEBP, 'image/webp'],
  ] as const) {
    const { logo } = readLogo(content) as { logo: string };
    expect(logoImage(logo)).toEqual({ type, content });
  }
});

test.each([
  ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['a page', Buffer.from('<!doctype html>')],
  ['nothing', Buffer.alloc(0)],
  ['too much', Buffer.concat([PNG, Buffer.alloc(32 * 1024)])],
])('%s is no logo', (_what, content) => {
  expect(readLogo(content)).toEqual({ fault: expect.stringContaining('must be') });
  expect(logoImage(`data:image/png;base64,${content.toString('base64')}`)).toBeUndefined();
});

test.each([
  'data:image/svg+xml;base64,PHN2Zy8+',
  `data:image/gif;base64,${PNG.toString('base64')}`,
  `data:image/png;base64,${PNG.toString('base64')}" onload="x`,
  'https://shop.example/logo.png',
])('%s is no stored logo', (uri) => {
  expect(logoImage(uri)).toBeUndefined();
});
