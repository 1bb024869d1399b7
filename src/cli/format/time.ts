/** Times in the zone of the machine, as short as they are clear. */

const two = (part: number): string => String(part).padStart(2, '0');

/** `2026-11-01` */
export function formatDay(at_ms: number): string {
  const at = new Date(at_ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** `2026-11-01 14:02` */
export function formatDayTime(at_ms: number): string {
  return `${formatDay(at_ms)} ${formatClock(at_ms)}`;
}

/** `14:02` */
export function formatClock(at_ms: number): string {
  const at = new Date(at_ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** `14:02` for today, `2026-11-01 14:02` for another day. */
export function formatRecent(at_ms: number, now_ms: number): string {
  return formatDay(at_ms) === formatDay(now_ms) ? formatClock(at_ms) : formatDayTime(at_ms);
}
