type Rgb = readonly [number, number, number];

/** WCAG 2.2, 1.4.3: text against what is behind it. */
export const READABLE = 4.5;
/** What mails and pages are painted on, light and dark; see `layouts/`. */
const PAPER = '#f3f4f8';
const NIGHT = '#1a1e27';
const DEFAULT = '#2f4fd0';

/** An app's colour as mails and pages use it: for buttons and links, on light and on dark ground. */
export interface Palette {
  readonly accent: string;
  readonly hover: string;
  readonly tint: string;
  readonly dark: string;
  readonly darkHover: string;
  readonly darkTint: string;
}

const palettes = new Map<string, Palette>();

/** @param colour `#rrggbb` that `colourFault` has nothing against; none: our own */
export function paletteOf(colour: string = DEFAULT): Palette {
  const known = palettes.get(colour);
  if (known) return known;
  const dark = shifted(colour, '#ffffff', (shade) => contrast(shade, NIGHT) >= 8);
  const palette = {
    accent: colour,
    hover: mixed(colour, '#000000', 0.15),
    tint: mixed(colour, '#ffffff', 0.88),
    dark,
    darkHover: mixed(dark, '#ffffff', 0.35),
    darkTint: mixed(NIGHT, dark, 0.12),
  };
  if (palettes.size >= 1_000) palettes.clear();
  palettes.set(colour, palette);
  return palette;
}

/** @returns what is wrong with an app's colour and what to do, or undefined */
export function colourFault(text: string): string | undefined {
  if (!/^#[0-9a-f]{6}$/.test(text)) return 'must be written like #2f4fd0: a # and six lower-case hexadecimal digits';
  const ratio = contrast(text, PAPER);
  if (ratio >= READABLE) return undefined;
  const shade = shifted(text, '#000000', (darker) => contrast(darker, PAPER) >= READABLE);
  return (
    `is too light for text: its contrast with our light ground is ${ratio.toFixed(1)} : 1, and WCAG 2.2 asks for ` +
    `${READABLE} : 1; ${shade} is the same colour, dark enough`
  );
}

/** The contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: string, other: string): number {
  const [dim, bright] = [luminance(rgbOf(one)), luminance(rgbOf(other))].sort((a, b) => a - b);
  return (bright! + 0.05) / (dim! + 0.05);
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

/** The first shade on the way from one colour to another that is good enough. */
function shifted(from: string, to: string, good: (shade: string) => boolean): string {
  for (let share = 0; share < 1; share += 0.02) {
    const shade = mixed(from, to, share);
    if (good(shade)) return shade;
  }
  return to;
}

/** @param share of `other`, 0 to 1 */
function mixed(one: string, other: string, share: number): string {
  const [a, b] = [rgbOf(one), rgbOf(other)];
  const hex = a.map((value, index) =>
    Math.round(value + (b[index]! - value) * share)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${hex.join('')}`;
}

function rgbOf(hex: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as never as Rgb;
}
