/** A piece of text as a reader sees it. */
export interface Run {
  readonly text: string;
  /** where it leads, inside a link */
  readonly href: string | null;
  /** `#rrggbb`; undefined where it is not plain to see */
  readonly colour: string | undefined;
  readonly ground: string | undefined;
}

interface Element extends Omit<Run, 'text'> {
  readonly tag: string;
  readonly hidden: boolean;
}

const TOKEN = /<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>|([^<]+)/gi;
const VOID = new Set(['img', 'br', 'hr', 'wbr', 'meta', 'link', 'input', 'col']);
const PAGE: Element = { tag: '', href: null, colour: '#000000', ground: '#ffffff', hidden: false };

/**
 * Reads the markup of our own templates, which is plain and balanced; no parser for the web's. Only inline styles count,
 * because mail programs may drop all others.
 */
export function visibleRuns(html: string): Run[] {
  const body = html.replace(/<!--[^]*?-->|<(head|style)\b[^]*?<\/\1>/gi, '');
  const open: Element[] = [PAGE];
  const runs: Run[] = [];
  for (const [, closing, tag = '', attributes = '', text] of body.matchAll(TOKEN)) {
    const { hidden, ...around } = open.at(-1)!;
    if (text !== undefined) {
      if (!hidden && text.trim() !== '') runs.push({ ...around, text: unescaped(text.trim()) });
    } else if (closing) {
      const start = open.findLastIndex((element) => element.tag === tag.toLowerCase());
      if (start > 0) open.length = start;
    } else if (!VOID.has(tag.toLowerCase())) open.push(within(open.at(-1)!, tag.toLowerCase(), attributes));
  }
  return runs;
}

/** Every address that the markup names. */
export function addressesIn(html: string): string[] {
  return [...html.matchAll(/\b(?:href|src|background|action|poster)\s*=\s*["']([^"']*)["']/gi)].map(([, value]) =>
    unescaped(value!),
  );
}

function within(parent: Element, tag: string, attributes: string): Element {
  const style = attributeOf(attributes, 'style') ?? '';
  const ground =
    /(?:^|[;\s])background(?:-color)?\s*:\s*([^;]+)/i.exec(style)?.[1] ?? attributeOf(attributes, 'bgcolor');
  const colour = /(?:^|[;\s])color\s*:\s*([^;]+)/i.exec(style)?.[1];
  return {
    tag,
    href: tag === 'a' ? (attributeOf(attributes, 'href') ?? null) : parent.href,
    colour: colour === undefined ? parent.colour : hexOf(colour),
    ground: ground === undefined ? parent.ground : hexOf(ground),
    hidden: parent.hidden || /display\s*:\s*none/i.test(style),
  };
}

function attributeOf(attributes: string, name: string): string | undefined {
  const [, , value] = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(["'])([^]*?)\\1`, 'i').exec(attributes) ?? [];
  return value === undefined ? undefined : unescaped(value);
}

function hexOf(colour: string): string | undefined {
  const text = colour.trim().toLowerCase();
  if (/^#[0-9a-f]{3}$/.test(text)) return `#${[...text.slice(1)].map((digit) => digit + digit).join('')}`;
  return /^#[0-9a-f]{6}$/.test(text) ? text : { white: '#ffffff', black: '#000000' }[text];
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: '\u00a0' };

function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (entity, hex, decimal, name) => {
    const code = hex ? Number.parseInt(hex as string, 16) : decimal ? Number(decimal) : undefined;
    return code === undefined ? (ENTITIES[String(name).toLowerCase()] ?? entity) : String.fromCodePoint(code);
  });
}
