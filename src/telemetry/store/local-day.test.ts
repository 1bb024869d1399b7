import { expect, test } from 'vitest';
import { LocalCalendar } from './local-day.ts';

const HOUR_MS = 3_600_000;

test.each([
  ['UTC', '2026-11-20T00:00:00Z', '2026-11-20', '2026-11-20T00:00:00Z', 24],
  ['Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-25', '2026-10-24T22:00:00Z', 25],
  ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-29', '2026-03-28T23:00:00Z', 23],
  ['America/New_York', '2026-11-20T04:59:59Z', '2026-11-19', '2026-11-19T05:00:00Z', 24],
  ['Asia/Kathmandu', '2026-11-20T18:15:00Z', '2026-11-21', '2026-11-20T18:15:00Z', 24],
  // Midnight does not exist there on this day: the clock goes from 23:59:59 to 01:00.
  ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06', '2026-09-06T04:00:00Z', 23],
])('%s, %s', (time_zone, at, date, start, hours) => {
  const start_ms = Date.parse(start);
  expect(new LocalCalendar(time_zone).dayOf(Date.parse(at))).toEqual({
    date,
    start_ms,
    end_ms: start_ms + hours * HOUR_MS,
  });
});
