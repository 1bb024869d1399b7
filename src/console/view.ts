import { html, type Html } from './html.ts';

/** What every part of a page needs besides its data: when and where it is read. */
export interface View {
  now_ms: number;
  /** IANA name; the machine's own. */
  time_zone: string;
  /** True when sample data is shown; each screen must say so (R3). */
  sample: boolean;
}

/** A moment for people and programs: `14:02` today, `Nov 1, 14:02` this year, else with the year. */
export function timeHtml(at_ms: number, view: View): Html {
  const exact = format(view, { dateStyle: 'long', timeStyle: 'long' }).format(at_ms);
  return html`<time datetime="${new Date(at_ms).toISOString()}" title="${exact}">${timeText(at_ms, view)}</time>`;
}

export function timeText(at_ms: number, view: View): string {
  const day = format(view, { year: 'numeric', month: '2-digit', day: '2-digit' });
  const year = format(view, { year: 'numeric' });
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  if (day.format(at_ms) === day.format(view.now_ms)) return format(view, clock).format(at_ms);
  const month: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric' };
  if (year.format(at_ms) === year.format(view.now_ms)) return format(view, { ...month, ...clock }).format(at_ms);
  return format(view, { ...month, year: 'numeric', ...clock }).format(at_ms);
}

/** `14:02:31`, where a session's steps follow each other within seconds. */
export function clockHtml(at_ms: number, view: View): Html {
  const clock = format(view, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  return html`<time datetime="${new Date(at_ms).toISOString()}">${clock.format(at_ms)}</time>`;
}

/** `Sun, Nov 1` of a day written `2026-11-01`. */
export function dayText(day: string): string {
  const noon = new Date(`${day}T12:00:00Z`);
  return format({ time_zone: 'UTC' }, { weekday: 'short', month: 'short', day: 'numeric' }).format(noon);
}

/** Making a formatter costs some 30 µs, using one 1 µs; a page with hundreds of times would feel the difference. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function format({ time_zone }: Pick<View, 'time_zone'>, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${time_zone} ${JSON.stringify(options)}`;
  const known = formatters.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', { ...options, timeZone: time_zone });
  formatters.set(key, made);
  return made;
}
