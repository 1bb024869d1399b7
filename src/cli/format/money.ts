import { UNKNOWN } from './count.ts';

/** `$4.31`, `$1,204.00`, `<$0.01`; a dash where the cost is not known. The caller says that it is list price (R4). */
export function formatMoney(usd: number | null): string {
  if (usd === null) return UNKNOWN;
  if (usd > 0 && usd < 0.01) return '<$0.01';
  return `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}
