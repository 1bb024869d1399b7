/**
 * List prices, in micro-dollars per million tokens (5 USD = 5 000 000), as the vendors published them (agents
 * specification §7). A change of price is a new row, never an edited one, so that old responses keep their price.
 */
export interface PriceRow {
  /** The vendor's base id, without provider, date or context suffix. */
  model: string;
  /** First day (UTC) of this price. A model's first row also covers what is dated before it. */
  valid_from: string;
  /** Month of the source the figures were taken from. */
  source_date: string;
  /** The row holds for requests whose whole prompt has more tokens than this; 0 = the base row. */
  prompt_over: number;
  /** Null = not published or contradictory: a response that used it is unpriced. */
  input: number | null;
  output: number | null;
  cache_read: number | null;
  /** Also the one write price of vendors without durations. */
  cache_write_5m: number | null;
  cache_write_1h: number | null;
}

/** The date shown beside every money figure (R4). */
export const PRICE_TABLE_DATE = '2026-11-01';

/** Server-side web search: 10 USD per 1 000 requests. */
export const WEB_SEARCH_MICRO_USD = 10_000;

type Price = number | null;
/** Model, valid from, source, prompt over, then input, output, cache read, cache write 5 m, cache write 1 h in USD / 1 M. */
type Line = readonly [string, string, string, number, Price, Price, Price, Price, Price];

// `valid_from` of a model's first row is its release where a source dates it, else the month of the source: it decides
// nothing, since a first row also covers what is dated before it.
// prettier-ignore
const LINES: readonly Line[] = [
  ['claude-fable-5-1',   '2026-09-01', '2026-09', 0,       10,   50,   0.25, 12.5,  20],
  ['claude-mythos-5-1',  '2026-09-01', '2026-09', 0,       10,   50,   0.25, 12.5,  20],
  ['claude-fable-5',     '2026-03-01', '2026-09', 0,       10,   50,   1,    12.5,  20],
  ['claude-mythos-5',    '2026-03-01', '2026-09', 0,       10,   50,   1,    12.5,  20],
  ['claude-opus-5-5',    '2026-09-01', '2026-11', 0,       4,    20,   0.2,  5,     8],
  ['claude-opus-5',      '2026-07-24', '2026-07', 0,       5,    25,   0.5,  6.25,  10],
  ['claude-opus-4-8',    '2025-11-24', '2026-03', 0,       5,    25,   0.5,  6.25,  10],
  ['claude-opus-4-7',    '2025-11-24', '2026-03', 0,       5,    25,   0.5,  6.25,  10],
  ['claude-opus-4-6',    '2025-11-24', '2026-03', 0,       5,    25,   0.5,  6.25,  10],
  ['claude-opus-4-5',    '2025-11-24', '2026-03', 0,       5,    25,   0.5,  6.25,  10],
  ['claude-opus-4-1',    '2025-05-22', '2026-03', 0,       15,   75,   1.5,  18.75, 30],
  ['claude-opus-4',      '2025-05-22', '2026-03', 0,       15,   75,   1.5,  18.75, 30],
  ['claude-sonnet-5-5',  '2026-09-28', '2026-09', 0,       2,    10,   0.2,  2.5,   4],
  ['claude-sonnet-5-5',  '2026-10-07', '2026-10', 0,       2,    10,   0.1,  2.5,   4],
  // The rise to 3 / 15 planned for 2026-09-01 was cancelled on 2026-08-10.
  ['claude-sonnet-5',    '2026-03-01', '2026-08', 0,       2,    10,   0.2,  2.5,   4],
  ['claude-sonnet-4-6',  '2025-05-22', '2026-03', 0,       3,    15,   0.3,  3.75,  6],
  ['claude-sonnet-4-5',  '2025-05-22', '2026-03', 0,       3,    15,   0.3,  3.75,  6],
  ['claude-sonnet-4',    '2025-05-22', '2026-03', 0,       3,    15,   0.3,  3.75,  6],
  // The long-context beta of these two was dearer; sources disagree on how much and for whom.
  ['claude-sonnet-4-5',  '2025-05-22', '2026-03', 200_000, null, null, null, null,  null],
  ['claude-sonnet-4',    '2025-05-22', '2026-03', 200_000, null, null, null, null,  null],
  ['claude-haiku-5-5',   '2026-10-07', '2026-10', 0,       0.1,  0.5,  0.01, 0.125, 0.2],
  ['claude-haiku-5-5',   '2026-10-07', '2026-10', 100_000, 0.5,  2.5,  0.05, 0.625, 1],
  ['claude-haiku-4-5',   '2025-10-15', '2026-03', 0,       1,    5,    0.1,  1.25,  2],
  ['claude-3-5-haiku',   '2024-11-04', '2026-03', 0,       0.8,  4,    0.08, 1,     1.6],

  ['gpt-6-astra',        '2026-09-03', '2026-09', 0,       10,   50,   1,    null,  null],
  ['gpt-6-astra',        '2026-09-03', '2026-09', 272_000, null, null, null, null,  null],
  ['gpt-6.1-sol',        '2026-09-29', '2026-09', 0,       2,    10,   0.1,  2.5,   null],
  ['gpt-6.1-sol',        '2026-09-29', '2026-09', 272_000, 4,    15,   0.2,  null,  null],
  ['gpt-6-sol',          '2026-09-22', '2026-09', 0,       2,    10,   0.2,  2.5,   null],
  ['gpt-6-sol',          '2026-09-22', '2026-09', 272_000, 4,    15,   0.4,  null,  null],
  ['gpt-6-luna',         '2026-09-22', '2026-09', 0,       0.1,  0.5,  0.01, 0.125, null],
  ['gpt-6-luna',         '2026-09-22', '2026-09', 272_000, 0.2,  0.75, 0.02, null,  null],
  ['gpt-5.6',            '2026-07-09', '2026-07', 0,       5,    30,   0.5,  null,  null],
  ['gpt-5.6',            '2026-07-09', '2026-07', 272_000, 10,   null, null, null,  null],
  // A source of 2026-09 says 4 / 20: contradictory from then on, so unpriced.
  ['gpt-5.6',            '2026-09-01', '2026-09', 0,       null, null, null, null,  null],
  ['gpt-5.6-sol',        '2026-07-09', '2026-07', 0,       5,    30,   0.5,  null,  null],
  ['gpt-5.6-sol',        '2026-07-09', '2026-07', 272_000, 10,   null, null, null,  null],
  ['gpt-5.6-sol',        '2026-09-01', '2026-09', 0,       null, null, null, null,  null],
  ['gpt-5.6-terra',      '2026-07-09', '2026-07', 0,       2.5,  15,   0.25, null,  null],
  ['gpt-5.6-terra',      '2026-07-09', '2026-07', 272_000, 5,    22.5, null, null,  null],
  ['gpt-5.6-terra',      '2026-07-30', '2026-07', 0,       2,    12,   0.2,  null,  null],
  ['gpt-5.6-terra',      '2026-07-30', '2026-07', 272_000, 4,    18,   null, null,  null],
  ['gpt-5.6-luna',       '2026-07-09', '2026-07', 0,       1,    6,    0.1,  null,  null],
  ['gpt-5.6-luna',       '2026-07-09', '2026-07', 272_000, 2,    9,    null, null,  null],
  ['gpt-5.6-luna',       '2026-07-30', '2026-07', 0,       0.2,  1.2,  0.02, null,  null],
  ['gpt-5.6-luna',       '2026-07-30', '2026-07', 272_000, 0.4,  1.8,  null, null,  null],
  ['gpt-5.4',            '2026-03-01', '2026-03', 0,       2.5,  15,   0.25, null,  null],
  ['gpt-5.4-mini',       '2026-03-01', '2026-03', 0,       0.75, 4.5,  0.075, null, null],
  ['gpt-5.3-codex',      '2026-03-01', '2026-03', 0,       1.75, 14,   0.175, null, null],
  ['gpt-5.2',            '2026-03-01', '2026-03', 0,       1.75, 14,   0.175, null, null],
  ['gpt-5.2-codex',      '2026-03-01', '2026-03', 0,       1.75, 14,   0.175, null, null],
  ['gpt-5.1',            '2026-03-01', '2026-03', 0,       1.25, 10,   0.125, null, null],
  ['gpt-5.1-codex',      '2026-03-01', '2026-03', 0,       1.25, 10,   0.125, null, null],
  ['gpt-5',              '2026-03-01', '2026-03', 0,       1.25, 10,   0.125, null, null],
  ['gpt-5-codex',        '2026-03-01', '2026-03', 0,       1.25, 10,   0.125, null, null],
  ['gpt-5-nano',         '2026-03-01', '2026-03', 0,       0.05, 0.4,  null, null,  null],

  ['gemini-3.1-pro',          '2026-03-01', '2026-03', 0,       2,    12,  null, null, null],
  ['gemini-3.1-pro',          '2026-03-01', '2026-03', 200_000, 4,    18,  null, null, null],
  ['gemini-3.1-pro-preview',  '2026-03-01', '2026-03', 0,       2,    12,  null, null, null],
  ['gemini-3.1-pro-preview',  '2026-03-01', '2026-03', 200_000, 4,    18,  null, null, null],
  ['gemini-3.5-flash',        '2026-03-01', '2026-03', 0,       1.5,  9,   null, null, null],
  ['gemini-3-flash-preview',  '2026-03-01', '2026-07', 0,       0.5,  3,   0.05, null, null],
  ['gemini-3.1-flash-lite',   '2026-03-01', '2026-03', 0,       0.25, 1.5, null, null, null],
  ['gemini-2.5-pro',          '2026-03-01', '2026-03', 0,       1.25, 10,  null, null, null],
  ['gemini-2.5-pro',          '2026-03-01', '2026-03', 200_000, 2.5,  15,  null, null, null],
  ['gemini-2.5-flash',        '2026-03-01', '2026-03', 0,       0.3,  2.5, null, null, null],
  ['gemini-2.5-flash-lite',   '2026-03-01', '2026-03', 0,       0.1,  0.4, null, null, null],
];

/** Not in the table on purpose: `gpt-5.5` (only inferred) and Gemini 3.6 to 3.8 Flash (not published as list prices). */
export const PRICE_TABLE: readonly PriceRow[] = LINES.map(
  ([model, valid_from, source_date, prompt_over, input, output, cache_read, cache_write_5m, cache_write_1h]) => ({
    model,
    valid_from,
    source_date,
    prompt_over,
    input: microUsd(input),
    output: microUsd(output),
    cache_read: microUsd(cache_read),
    cache_write_5m: microUsd(cache_write_5m),
    cache_write_1h: microUsd(cache_write_1h),
  }),
);

/** Exact: every published price is a whole number of micro-dollars, and rounding undoes the binary error of `0.1`. */
function microUsd(usd: Price): number | null {
  return usd === null ? null : Math.round(usd * 1_000_000);
}
