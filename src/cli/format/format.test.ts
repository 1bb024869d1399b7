import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes } from './bytes.ts';
import { cut, pad, paletteFor, PLAIN, visibleWidth } from './color.ts';
import { formatCount, formatItems } from './count.ts';
import { renderCsv } from './csv.ts';
import { durationOption, formatDuration, parseDuration } from './duration.ts';
import { formatMoney } from './money.ts';
import { safe } from './safe.ts';
import { timeOption } from './since.ts';
import { renderTable } from './table.ts';
import { formatRecent } from './time.ts';

const NOW = Date.UTC(2026, 10, 21, 14, 2, 30);

describe('numbers', () => {
  it.each([
    [formatCount(1204), '1,204'],
    [formatItems(1, 'entry', 'entries'), '1 entry'],
    [formatItems(1204, 'session'), '1,204 sessions'],
    [formatMoney(4.305), '$4.31'],
    [formatMoney(1204), '$1,204.00'],
    [formatMoney(0), '$0.00'],
    [formatMoney(0.0004), '<$0.01'],
    [formatMoney(null), '–'],
    [formatBytes(0), '0 B'],
    [formatBytes(999), '999 B'],
    [formatBytes(1_200_000_000), '1.2 GB'],
    [formatBytes(340_200_000), '340 MB'],
    [formatBytes(999_700), '1.0 MB'],
    [formatDuration(41_900), '41 s'],
    [formatDuration(5 * 60_000), '5 min'],
    [formatDuration(3 * 3_600_000), '3 h'],
    [formatDuration(12 * 86_400_000), '12 d'],
    [formatDuration(-5), '0 s'],
    [formatRecent(NOW - 60_000, NOW), '14:01'],
    [formatRecent(NOW - 86_400_000, NOW), '2026-11-20 14:02'],
  ])('%s', (written, expected) => {
    expect(written).toBe(expected);
  });

  it('writes sizes in at most seven characters, never as 1000 of a unit', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 14 }), (size) => {
        expect(formatBytes(size)).toMatch(/^(\d{1,3}|\d\.\d) (B|kB|MB|GB|TB)$/);
      }),
    );
  });
});

describe('times given with a flag', () => {
  it.each([
    ['7d', NOW - 7 * 86_400_000],
    ['90m', NOW - 90 * 60_000],
    ['2026-11-01', Date.UTC(2026, 10, 1)],
    ['2026-11-01T09:30:00Z', Date.UTC(2026, 10, 1, 9, 30)],
    ['2026-11-01T09:30:00+02:00', Date.UTC(2026, 10, 1, 7, 30)],
  ])('%s', (written, expected) => {
    expect(timeOption('--since', written, NOW)).toBe(expected);
  });

  it.each(['', 'yesterday', '2026-02-30', '2026-13-01', '7', '7 days', '-7d', '1e3s'])('refuses %j', (written) => {
    expect(() => timeOption('--since', written, NOW)).toThrow(/--since does not understand/);
  });

  it('takes durations with their unit only', () => {
    expect(parseDuration('500ms')).toBe(500);
    expect(durationOption('--timeout', '30s')).toBe(30_000);
    expect(() => durationOption('--timeout', '30')).toThrow(/--timeout/);
  });
});

describe('tables', () => {
  const columns = [
    { title: 'project', text: (row: [string, number]) => row[0], shrink_to: 8 },
    { title: 'calls', text: (row: [string, number]) => formatCount(row[1]), align: 'right' as const },
  ];

  it('line up, numbers to the right', () => {
    const rows: [string, number][] = [
      ['web', 12_345],
      ['日本語', 1],
    ];
    expect(renderTable(columns, rows, 80, PLAIN)).toEqual(['project   calls', 'web      12,345', '日本語        1']);
  });

  it('shrink to the terminal and never below', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ maxLength: 60 }), fc.nat()), { maxLength: 5 }),
        fc.integer({ min: 24, max: 120 }),
        (rows, width) => {
          for (const line of renderTable(columns, rows, width, PLAIN))
            expect(visibleWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it('let no cell steer the terminal', () => {
    expect(renderTable(columns, [['\u001b]0;evil\u0007\nx', 1]], 80, PLAIN)[1]).toBe('�]0;evil� x      1');
    expect(safe('a\u202eb')).toBe('a�b');
  });

  it('cut and pad by columns, not by code units', () => {
    expect(cut('日本語', 5)).toBe('日本…');
    expect(pad('日', 4, 'right')).toBe('  日');
  });
});

describe('colour', () => {
  it.each([
    ['auto', true, {}, true],
    ['auto', false, {}, false],
    ['auto', true, { NO_COLOR: '1' }, false],
    ['auto', true, { TERM: 'dumb' }, false],
    ['auto', false, { FORCE_COLOR: '1' }, true],
    ['never', true, { FORCE_COLOR: '1' }, false],
    ['always', false, { NO_COLOR: '1' }, true],
  ] as const)('%s, terminal %s, %j', (mode, is_tty, env, colored) => {
    expect(paletteFor(mode, is_tty, env) !== PLAIN).toBe(colored);
  });

  it('takes no room', () => {
    expect(visibleWidth(paletteFor('always', false, {}).red('abc'))).toBe(3);
  });
});

describe('CSV', () => {
  it('quotes, leaves unknown values empty, and starts no formula', () => {
    expect(
      renderCsv(
        ['project', 'cost_usd'],
        [
          ['a,"b"', 1.5],
          ['=HYPERLINK("x")', null],
          ['-1', -1],
        ],
      ),
    ).toBe('project,cost_usd\r\n"a,""b""",1.5\r\n"\'=HYPERLINK(""x"")",\r\n\'-1,-1\r\n');
  });
});
