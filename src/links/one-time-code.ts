/** Crockford's base 32. It has no I, L, O and U: whoever types O, I or L means 0 or 1. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const WELL_FORMED = new RegExp(`^[${DIGITS}]{8}$`);

/** @returns 40 bits as people read them: `7K2M-9QXT` */
export function spellCode(bytes: Buffer): string {
  let rest = bytes.readUIntBE(0, 5);
  let text = '';
  for (; text.length < 8; rest = Math.floor(rest / 32)) text = DIGITS[rest % 32] + text;
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}

/** @returns the code as `spellCode` spells it, or undefined for what cannot be one */
export function readTypedCode(typed: string): string | undefined {
  const text = typed
    .normalize('NFKC') // full-width letters, as East Asian keyboards type them
    .toUpperCase()
    .replace(/[\s\p{Pd}_.]/gu, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1');
  return WELL_FORMED.test(text) ? `${text.slice(0, 4)}-${text.slice(4)}` : undefined;
}
