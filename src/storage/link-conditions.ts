import type { LinkFilter } from '../links/link-store.js';
import type { linkStatements } from './link-statements.js';
import { recipientIs } from './recipient-condition.js';

/** Appends the values to `values`. @returns the filter as SQL */
export function conditionsOf(
  { status: meaning }: ReturnType<typeof linkStatements>,
  { id, subject, purpose, recipients, status }: LinkFilter & { id?: string },
  values: unknown[],
  now: number,
): string {
  const conditions: string[] = [];
  for (const [column, value] of Object.entries({ id, subject, purpose })) {
    if (value !== undefined) conditions.push(`AND l.${column} = $${values.push(value)}`);
  }
  if (recipients) conditions.push(recipientIs(recipients, values));
  if (status) {
    const needsTime = status === 'active' || status === 'expired';
    conditions.push(meaning[status](needsTime ? `$${values.push(now)}` : ''));
  }
  return conditions.join(' ');
}
