/** The versions of the API that the sandbox speaks. */

const FIRST_VERSION = 31;
export const NEWEST_VERSION = 67;
const SEASONS = ['Spring', 'Summer', 'Winter'] as const;

export interface ApiVersion {
  label: string;
  url: string;
  version: string;
}

/** `GET /services/data` */
export function apiVersions(): ApiVersion[] {
  return Array.from({ length: NEWEST_VERSION - FIRST_VERSION + 1 }, (_, index) => {
    const major = FIRST_VERSION + index;
    return { label: labelOf(major), url: `/services/data/v${major}.0`, version: `${major}.0` };
  });
}

/** Three a year: 67 is Summer '26. */
function labelOf(major: number): string {
  const since = major - 66;
  const season = SEASONS[((since % 3) + 3) % 3] ?? '';
  const year = 26 + Math.floor(since / 3) + (season === 'Winter' ? 1 : 0);
  return `${season} '${year}`;
}

/** `67.0` of `v67.0`; null for what is no version of it. */
export function versionOf(segment: string): string | null {
  const major = Number(/^v(\d{2})\.0$/.exec(segment)?.[1]);
  return major >= FIRST_VERSION && major <= NEWEST_VERSION ? `${major}.0` : null;
}
