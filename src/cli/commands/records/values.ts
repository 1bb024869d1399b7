import type { Value } from '../../../records/model/value.ts';
import { cut } from '../../format/color.ts';
import { safe } from '../../format/safe.ts';
import { UNKNOWN } from '../../format/count.ts';

const WIDEST = 40;

/** A value on an operator's screen. */
export function shownValue(value: Value): string {
  if (value === null) return UNKNOWN;
  return cut(safe(typeof value === 'string' ? value : String(value)), WIDEST);
}

/** `name: Acme → Acme & Co` */
export function shownChange(field: string, before: Value, after: Value): string {
  return `${safe(field)}: ${shownValue(before)} → ${shownValue(after)}`;
}
