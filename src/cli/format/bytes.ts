const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units as file managers and disks show them: `512 B`, `1.2 GB`, `340 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would round up to "1000 kB".
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
