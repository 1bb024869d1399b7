/** `[########--]`; full only when all is done. */
export function progressBar(part: number, whole: number, width = 10): string {
  const filled = whole <= 0 || part >= whole ? width : Math.min(width - 1, Math.round((part / whole) * width));
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`;
}

/** `78 %`; 100 only when all is done. */
export function percent(part: number, whole: number): string {
  if (whole <= 0 || part >= whole) return '100 %';
  return `${Math.min(99, Math.floor((part / whole) * 100))} %`;
}
