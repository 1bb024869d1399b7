import { hash } from 'node:crypto';
import type { RowKind } from '../operation.ts';

/** Where a row stands in the digest tree: 48 bits, so that a JavaScript number holds it. */
export function placeOfRow(row: RowKind, key: string): number {
  return Number.parseInt(hash('sha256', `${row}\n${key}`, 'hex').slice(0, 12), 16);
}

/** Eight bytes over kind, key and state. */
export function hashOfRow(row: RowKind, key: string, text: string): Uint8Array {
  return hash('sha256', `${row}\n${key}\n${text}`, 'buffer').subarray(0, 8);
}
