/** Markup that is safe to send. Only `html` makes it, so a plain string can never slip into a page unescaped. */
export class Html {
  constructor(readonly markup: string) {}
}

type Part = Html | string | number | false | null | undefined | readonly Html[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A tagged template: the literal parts are markup, every value in between is text (or other `Html`). */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.map((literal, i) => literal + render(parts[i])).join(''));
}

/** An email address that breaks before its @ where a line is too short for it. */
export function address(email: string): Html {
  const at = email.lastIndexOf('@');
  return html`${email.slice(0, at)}<wbr />${email.slice(at)}`;
}

function render(part: Part): string {
  if (part instanceof Html) return part.markup;
  if (typeof part === 'object' && part !== null) return part.map((item) => item.markup).join('');
  if (part === undefined || part === null || part === false) return '';
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
