/** Whole numbers for people: `1,204`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `1 session`, `2 sessions`, `1,204 entries`. */
export function formatItems(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Stands for a figure that is not known. Never 0: a zero would be a claim (R4). */
export const UNKNOWN = '–';
