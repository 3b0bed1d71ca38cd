import type { Page } from 'playwright-core';

/** What of a picture is the same on machines with other fonts, which break lines elsewhere. */
interface Impression {
  readonly width: number;
  readonly height: number;
  /** grey levels, 0 to 255, of the picture drawn into a small square */
  readonly coarse: number[];
  /** the share of its pixels that bears each of the wanted colours, or those that cover most of it */
  readonly areas: [colour: number, share: number][];
}

/** How many pixels wide and high a picture is when only its rough shape counts. */
const COARSE = 48;
/** What an area covers at least: the page, the card, the button, the well around the address. */
const AREA = 0.004;
/** Areas are flat; the strokes of letters are no wider than this, in pixels. */
const STROKE = 5;
const MOST_TALLER = 0.2;
const MOST_DARKER = 0.1;
const MOST_AREA_CHANGE = 0.6;

/** @returns in what a picture is another than its original, in words; both are PNG files */
export async function differences(page: Page, original: Buffer, picture: Buffer): Promise<string[]> {
  const wanted = await impressionOf(page, original);
  const seen = await impressionOf(page, picture, wanted);
  const faults: string[] = [];
  if (seen.width !== wanted.width || isOff(seen.height, wanted.height, MOST_TALLER))
    faults.push(`is ${seen.width} × ${seen.height}, was ${wanted.width} × ${wanted.height}`);
  const steps = wanted.coarse.map((level, index) => Math.abs(level - seen.coarse[index]!) / 255);
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  if (mean > MOST_DARKER) faults.push(`its brightness differs by ${percent(mean)} on average`);
  wanted.areas.forEach(([colour, share], index) => {
    const now = seen.areas[index]![1];
    if (isOff(now, share, MOST_AREA_CHANGE))
      faults.push(`#${colour.toString(16).padStart(6, '0')} covers ${percent(now)}, was ${percent(share)}`);
  });
  return faults;
}

const isOff = (now: number, was: number, most: number): boolean => Math.abs(now / was - 1) > most;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Decoded and measured by the browser's own canvas. */
async function impressionOf(page: Page, png: Buffer, like?: Impression): Promise<Impression> {
  const facts = {
    source: `data:image/png;base64,${png.toString('base64')}`,
    side: COARSE,
    stroke: STROKE,
    least: AREA,
    like,
  };
  return page.evaluate(async ({ source, side, stroke, least, like }) => {
    const { document, Image } = globalThis as unknown as Record<string, any>;
    const image = new Image();
    image.src = source;
    await image.decode();
    const { width, height } = image as { width: number; height: number };
    const drawn = (w: number, h: number): Uint8ClampedArray => {
      const context = Object.assign(document.createElement('canvas'), { width: w, height: h }).getContext('2d');
      context.imageSmoothingQuality = 'high';
      context.drawImage(image, 0, 0, w, h);
      return context.getImageData(0, 0, w, h).data;
    };
    const small = drawn(side, side);
    const coarse = Array.from({ length: side * side }, (_, i) =>
      Math.round(0.2126 * small[i * 4]! + 0.7152 * small[i * 4 + 1]! + 0.0722 * small[i * 4 + 2]!),
    );
    const pixels = new Uint32Array(drawn(width, height).buffer);
    const counts = new Map<number, number>();
    pixels.forEach((pixel, i) => {
      if (pixel !== pixels[i - stroke] || pixel !== pixels[i - stroke * width]) return;
      const colour = ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >> 16) & 0xff);
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    });
    const total = width * height;
    const large = [...counts].filter(([, count]) => count / total >= least).map(([colour]) => colour);
    const colours = like?.areas.map(([colour]) => colour) ?? large;
    return { width, height, coarse, areas: colours.map((colour) => [colour, (counts.get(colour) ?? 0) / total]) };
  }, facts);
}
