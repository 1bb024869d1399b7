/**
 * Which fields an event is about, as the Pub/Sub API tells it: hexadecimal bitmaps over the fields of the event's schema
 * (records.md §12.9). `0x400800`: bit i, the least significant first, stands for field i. `4-0x02`: the parts of field 4, a compound.
 */
import { InvalidInputError } from '../../../platform/errors.ts';
import type { EventField } from './event-schema.ts';

/** A field, or a part of a compound. */
export interface FieldPath {
  readonly field: string;
  readonly child: string | null;
}

const BITMAP = /^(?:(\d{1,4})-)?0x([0-9a-fA-F]{1,1024})$/;

/**
 * The fields that bitmaps name, in the order of the schema for each.
 * @throws InvalidInputError `salesforce.bitmap` for what is no bitmap, or names what the schema does not have
 */
export function expandBitmaps(bitmaps: readonly string[], fields: readonly EventField[]): FieldPath[] {
  return bitmaps.flatMap((bitmap): FieldPath[] => {
    const [, parent, hex] = BITMAP.exec(bitmap) ?? [];
    if (hex === undefined) throw broken('is no bitmap');
    if (parent === undefined) return bitsOf(hex).map((bit) => ({ field: at(fields, bit).name, child: null }));
    const compound = at(fields, Number(parent));
    const children = compound.children ?? [];
    return bitsOf(hex).map((bit) => ({ field: compound.name, child: at(children, bit) }));
  });
}

function bitsOf(hex: string): number[] {
  const bits: number[] = [];
  for (let digit = 0; digit < hex.length; digit++) {
    const value = parseInt(hex.charAt(hex.length - 1 - digit), 16);
    for (let bit = 0; bit < 4; bit++) if (value & (1 << bit)) bits.push(digit * 4 + bit);
  }
  return bits;
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw broken('names a field that its schema does not have');
  return found;
}

const broken = (why: string): InvalidInputError =>
  new InvalidInputError('salesforce.bitmap', `A list of fields in a change event ${why}`, {
    field: 'ChangeEventHeader',
  });
