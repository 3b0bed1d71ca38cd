import { randomBytes } from 'node:crypto';
import { DataKeys } from '../../src/storage/data-keys.js';

const material = new Map<string, string>();

/** The text of DATA_KEYS: each id has one key for the length of the test file. */
export function dataKeysText(...ids: string[]): string {
  for (const id of ids) if (!material.has(id)) material.set(id, randomBytes(32).toString('base64'));
  return ids.map((id) => `${id}:${material.get(id)}`).join(',');
}

export const dataKeys = (...ids: string[]): DataKeys => DataKeys.parse(dataKeysText(...ids))!;
