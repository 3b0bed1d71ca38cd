import { domainToASCII } from 'node:url';
import { html, type Html } from '../web/html.js';

export interface Field {
  name: string;
  label: string;
  type: 'text' | 'email' | 'password';
  /** What the browser or a password manager may fill in (WCAG 1.3.5). */
  autocomplete: string;
  value?: string;
  hint?: string;
  error?: string;
  readonly?: boolean;
  /** The first of several errors takes the focus. */
  focus?: boolean;
}

/** A labelled input. Its hint and its error are read out with it. */
export function field({
  name,
  label,
  type,
  autocomplete,
  value,
  hint,
  error,
  readonly,
  focus = error !== undefined,
}: Field): Html {
  const about = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
  return html`<div class="field">
    <label for="${name}">${label}</label>
    ${hint && html`<p class="hint" id="${name}-hint">${hint}</p>`}
    <input
      id="${name}"
      name="${name}"
      type="${type}"
      autocomplete="${autocomplete}"
      value="${value}"
      required
      ${type === 'email' && html`spellcheck="false" autocapitalize="none" maxlength="254"`}
      ${about && html`aria-describedby="${about}"`}
      ${error && html`aria-invalid="true"`}
      ${focus && html`autofocus`}
      ${readonly && html`readonly`}
    />
    ${error && html`<p class="error" id="${name}-error">${error}</p>`}
  </div>`;
}

/** The text of one field as it was sent; `''` for anything else. */
export function textOf(body: unknown, name: string): string {
  const value = (body as Record<string, unknown> | null)?.[name];
  return typeof value === 'string' ? value : '';
}

/** An address as we store, compare and mail it (an international domain in its ASCII form); `undefined`: it is none. */
export function addressOf(body: unknown): string | undefined {
  const [, local, domain] =
    /^([^\s@<>()",;:\\]{1,64})@([^\s@<>()",;:\\]{3,190})$/.exec(textOf(body, 'email').trim()) ?? [];
  const ascii = domainToASCII(domain ?? '');
  return ascii === '' ? undefined : `${local}@${ascii}`.toLowerCase();
}
