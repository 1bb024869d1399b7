/** Documents by a short hash: whether two are the same, without keeping or comparing their values. */
import { hash } from 'node:crypto';
import type { Document } from './value.ts';

/**
 * 16 hexadecimal digits over the fields that are known and their values, whatever their order. An unknown field differs
 * from one that is null.
 */
export function fingerprint(document: Document): string {
  const names = Object.keys(document).sort();
  const text = JSON.stringify(names.map((name) => [name, document[name]]));
  return hash('sha256', text, 'hex').slice(0, 16);
}
