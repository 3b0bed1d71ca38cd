import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from '../apps/app.js';
import { paletteOf } from '../mail/colours.js';
import { directionOf, isolated } from '../mail/locales.js';
import { logoImage } from '../mail/logo.js';
import type { Render, TemplateEngine } from '../mail/template-engine.js';
import type { Faults } from '../mail/template-fault.js';

const SHADES = new Set(Object.keys(paletteOf()).map((name) => `brand.${name}`));

/** How a page looks: the layout's style element and, if the app has a colour, one more. Both are permitted by their hashes. */
export class PageStyle {
  private readonly layout: string;
  private readonly brand: Render | undefined;
  private readonly brands = new Map<string, string>();

  constructor(layouts: string, engine: TemplateEngine, faults: Faults) {
    this.layout = hashOfStyle(readFileSync(join(layouts, 'page.html.hbs'), 'utf8'));
    this.brand = faults.attempt(() => engine.compileFile(join(layouts, 'brand.html.hbs'), SHADES));
  }

  /** What the Content-Security-Policy allows for an app's page, so that no other style or picture can be slipped in. */
  policy(app: Pick<App, 'colour' | 'logo'> | undefined): string {
    const styles = [this.layout, ...(app?.colour ? [this.hashOf(app.colour)] : [])].map((hash) => `'sha256-${hash}'`);
    return `style-src ${styles.join(' ')};${logoImage(app?.logo) ? ' img-src data:;' : ''}`;
  }

  private hashOf(colour: string): string {
    const hash = this.brands.get(colour) ?? hashOfStyle(this.brand!({ brand: paletteOf(colour) }));
    if (this.brands.size >= 1_000) this.brands.clear();
    this.brands.set(colour, hash);
    return hash;
  }
}

/** What the layout of a page needs to know; a page that knows no app bears no name. */
export function frame(locale: string, app: Pick<App, 'name' | 'colour' | 'logo'> | undefined): object {
  return {
    locale,
    dir: directionOf(locale),
    app: { name: app ? isolated(app.name, locale) : null, logo: logoImage(app?.logo) ? app!.logo : null },
    brand: app?.colour ? paletteOf(app.colour) : null,
  };
}

function hashOfStyle(markup: string): string {
  const style = /<style>([^]*?)<\/style>/.exec(markup)?.[1] ?? '';
  return createHash('sha256').update(style).digest('base64');
}
