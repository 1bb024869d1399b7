import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overviewHref, periodOf, readFilter, type Filter } from './filter.ts';

const NOW_MS = Date.parse('2026-11-15T15:30:00Z');
const DEFAULTS: Filter = { since: '7d', project: null, agent: null, all_rows: false };

function filterOf(address: string): Filter {
  return readFilter(new URL(address, 'http://localhost').searchParams);
}

function period(since: string, time_zone = 'UTC', now_ms = NOW_MS): ReturnType<typeof periodOf> {
  return periodOf({ ...DEFAULTS, since }, now_ms, time_zone);
}

describe('the address', () => {
  test('without anything shows the last seven days of everything', () => {
    expect(filterOf('/')).toEqual(DEFAULTS);
    expect(overviewHref(DEFAULTS)).toBe('/');
  });

  test('holds the whole filter, whatever a project is called', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name.trim() === name);
    const filters = fc.record({
      since: fc.constantFrom('7d', 'today', 'all', '2026-11-01'),
      project: fc.option(text),
      agent: fc.option(text),
      all_rows: fc.boolean(),
    });
    fc.assert(
      fc.property(filters, (filter) => {
        expect(filterOf(overviewHref(filter))).toEqual(filter);
      }),
    );
  });

  test('changes one part and keeps the others', () => {
    const filter = { ...DEFAULTS, since: '30d', project: 'web' };
    expect(overviewHref(filter, { agent: 'claude' })).toBe('/?since=30d&project=web&agent=claude');
    expect(overviewHref(filter, { project: null })).toBe('/?since=30d');
  });
});

describe('the time', () => {
  test('of 7d is that of `--since 7d`', () => {
    expect(period('7d')).toMatchObject({ since_ms: NOW_MS - 7 * 86_400_000, title: 'Last 7 days' });
  });

  test.each([
    ['12h', NOW_MS - 12 * 3_600_000, 'Last 12 hours'],
    ['1d', NOW_MS - 86_400_000, 'Last 1 day'],
    ['today', Date.parse('2026-11-15T00:00:00Z'), 'Today'],
    ['2026-11-01', Date.parse('2026-11-01T00:00:00Z'), 'Since 2026-11-01'],
    ['all', null, 'All time'],
  ])('of %s', (since, since_ms, title) => {
    expect(period(since)).toMatchObject({ since_ms, title });
  });

  test.each(['Pacific/Kiritimati', 'America/Los_Angeles', 'Pacific/Pago_Pago', 'Europe/Berlin'])(
    'of a day begins at its midnight in %s',
    (time_zone) => {
      const { since_ms } = period('2026-10-25', time_zone);
      const at = new Intl.DateTimeFormat('en-CA', { timeZone: time_zone, dateStyle: 'short', timeStyle: 'medium' });
      expect(at.format(since_ms ?? 0)).toContain('2026-10-25');
      expect(at.format((since_ms ?? 0) - 1)).toContain('2026-10-24');
    },
  );

  test('of a day on which the clock changes begins at that midnight too', () => {
    const evening_ms = Date.parse('2026-10-25T20:00:00Z');
    expect(period('today', 'Europe/Berlin', evening_ms).since_ms).toBe(Date.parse('2026-10-24T22:00:00Z'));
  });

  test.each(['yesterday', '2026-02-30', '7', '-7d', '999999d', '<script>'])('cannot be %s', (since) => {
    expect(() => period(since)).toThrow(expect.objectContaining({ code: 'usage.time', field: 'since' }));
  });
});
