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
  const year = format(view, { year: 'numeric' });
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  if (dayOfText(at_ms, view) === dayOfText(view.now_ms, view)) return format(view, clock).format(at_ms);
  const month: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric' };
  if (year.format(at_ms) === year.format(view.now_ms)) return format(view, { ...month, ...clock }).format(at_ms);
  return format(view, { ...month, year: 'numeric', ...clock }).format(at_ms);
}

/** `14:02:31`, where steps follow each other within seconds; with the day when it is not that of the step before. */
export function stepHtml(at_ms: number, before_ms: number | null, view: View): Html {
  const clock = format(view, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const day = dayOfText(at_ms, view);
  const is_new = before_ms === null || dayOfText(before_ms, view) !== day;
  return html`<time datetime="${new Date(at_ms).toISOString()}"
    >${is_new && html`<span class="step-day">${dayText(day)}</span> `}${clock.format(at_ms)}</time
  >`;
}

/** The day of a moment, written `2026-11-01`. */
export function dayOfText(at_ms: number, view: View): string {
  const parts = format(view, { year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(at_ms);
  const part = (type: string): string => parts.find((found) => found.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

/** `Sun, Nov 1` of a day written `2026-11-01`. */
export function dayText(day: string): string {
  return ofDay(day, { weekday: 'short', month: 'short', day: 'numeric' });
}

/** `Sun 1` */
export function weekdayText(day: string): string {
  return `${ofDay(day, { weekday: 'short' })} ${ofDay(day, { day: 'numeric' })}`;
}

function ofDay(day: string, options: Intl.DateTimeFormatOptions): string {
  return format({ time_zone: 'UTC' }, options).format(new Date(`${day}T12:00:00Z`));
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
