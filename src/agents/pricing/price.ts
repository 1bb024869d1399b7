import type { Usage } from '../event.ts';
import { modelIdCandidates, normalModelId } from './model-id.ts';
import { PRICE_TABLE, PRICE_TABLE_DATE, WEB_SEARCH_MICRO_USD, type PriceRow } from './price-table.ts';

/** What one response costs at list price. */
export interface ResponsePrice {
  /** Whole micro-dollars; null = unpriced (unknown model, unknown part, fast mode), shown as a dash and never as 0. */
  micro_usd: number | null;
  /** Date of the price table, shown beside every figure. */
  price_date: string;
}

export type PriceList = (usage: Usage | null, model: string | null, ts_ms: number) => ResponsePrice;

const TOKENS_PER_PRICE = 1_000_000n;

/** Prices one response by the built-in table. Rounds once, half up, so that sums of responses add up exactly. */
export const priceOf: PriceList = priceList(PRICE_TABLE, PRICE_TABLE_DATE);

/** A pricing function over `rows`. Bands apply to one request as a whole; they cannot be applied to sums. */
export function priceList(rows: readonly PriceRow[], price_date: string): PriceList {
  const by_id = groupByNormalId(rows);
  return (usage, model, ts_ms) => {
    if (usage === null || model === null || !isStandardSpeed(usage.speed)) return { micro_usd: null, price_date };
    const row = rowFor(by_id, usage, model, ts_ms);
    return { micro_usd: row === null ? null : costOf(usage, row), price_date };
  };
}

/** Fast mode is dearer by an unpublished factor, and so may be any word that is not known yet. */
function isStandardSpeed(speed: string | null): boolean {
  return speed === null || speed === 'standard';
}

function groupByNormalId(rows: readonly PriceRow[]): Map<string, PriceRow[]> {
  const groups = new Map<string, PriceRow[]>();
  for (const row of rows) {
    const id = normalModelId(row.model);
    groups.set(id, [...(groups.get(id) ?? []), row]);
  }
  return groups;
}

function rowFor(by_id: Map<string, PriceRow[]>, usage: Usage, model: string, ts_ms: number): PriceRow | null {
  const rows = modelIdCandidates(model)
    .map((id) => by_id.get(id))
    .find((found) => found !== undefined);
  if (rows === undefined) return null;
  const current = latestRows(rows, ts_ms);
  const prompt = usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
  const band = Math.max(...current.filter((row) => prompt > row.prompt_over || row.prompt_over === 0).map(bandOf));
  const fitting = current.filter((row) => row.prompt_over === band);
  // Two rows for the same id, day and band: nobody can tell which holds, so neither does.
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

function bandOf(row: PriceRow): number {
  return row.prompt_over;
}

/** The rows of the price change in force at `ts_ms`; before the first one, the first one's. */
function latestRows(rows: readonly PriceRow[], ts_ms: number): PriceRow[] {
  const starts = rows.map((row) => Date.parse(row.valid_from));
  const past = starts.filter((start_ms) => start_ms <= ts_ms);
  const start_ms = past.length > 0 ? Math.max(...past) : Math.min(...starts);
  return rows.filter((_row, index) => starts[index] === start_ms);
}

function costOf(usage: Usage, row: PriceRow): number | null {
  const parts: [number, number | null][] = [
    [usage.input, row.input],
    [usage.output, row.output],
    [usage.cache_read, row.cache_read],
    [usage.cache_write_5m, row.cache_write_5m],
    [usage.cache_write_1h, row.cache_write_1h],
  ];
  // Tokens × price passes 2^53 at 360 M tokens of a 25 USD model; BigInt costs 1 µs a response and has no limit.
  let scaled = BigInt(usage.web_searches) * BigInt(WEB_SEARCH_MICRO_USD) * TOKENS_PER_PRICE;
  for (const [tokens, price] of parts) {
    if (tokens === 0) continue;
    if (price === null) return null;
    scaled += BigInt(tokens) * BigInt(price);
  }
  return Number((scaled + TOKENS_PER_PRICE / 2n) / TOKENS_PER_PRICE);
}
