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

const TOKENS_PER_PRICE = 1_000_000;

/** Ids remembered with their rows; a history names a few, again and again. */
const MOST_IDS = 256;

/** Prices one response by the built-in table. Rounds once, half up, so that sums of responses add up exactly. */
export const priceOf: PriceList = priceList(PRICE_TABLE, PRICE_TABLE_DATE);

/** A pricing function over `rows`. Bands apply to one request as a whole; they cannot be applied to sums. */
export function priceList(rows: readonly PriceRow[], price_date: string): PriceList {
  const by_id = groupByNormalId(rows);
  const known = new Map<string, readonly DatedRow[]>();
  const rowsOf = (model: string): readonly DatedRow[] => {
    let found = known.get(model);
    if (found !== undefined) return found;
    found =
      modelIdCandidates(model)
        .map((id) => by_id.get(id))
        .find((group) => group !== undefined) ?? [];
    if (known.size < MOST_IDS) known.set(model, found);
    return found;
  };
  return (usage, model, ts_ms) => {
    if (usage === null || model === null || !isStandardSpeed(usage.speed)) return { micro_usd: null, price_date };
    const of_model = rowsOf(model);
    const row = of_model.length === 0 ? null : rowFor(of_model, usage, ts_ms);
    return { micro_usd: row === null ? null : costOf(usage, row), price_date };
  };
}

/** Fast mode is dearer by an unpublished factor, and so may be any word that is not known yet. */
function isStandardSpeed(speed: string | null): boolean {
  return speed === null || speed === 'standard';
}

interface DatedRow extends PriceRow {
  from_ms: number;
}

function groupByNormalId(rows: readonly PriceRow[]): Map<string, DatedRow[]> {
  const groups = new Map<string, DatedRow[]>();
  for (const row of rows) {
    const id = normalModelId(row.model);
    groups.set(id, [...(groups.get(id) ?? []), { ...row, from_ms: Date.parse(row.valid_from) }]);
  }
  return groups;
}

function rowFor(rows: readonly DatedRow[], usage: Usage, ts_ms: number): PriceRow | null {
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
function latestRows(rows: readonly DatedRow[], ts_ms: number): readonly DatedRow[] {
  if (rows.length === 1) return rows;
  const past = rows.filter(({ from_ms }) => from_ms <= ts_ms);
  const starts = (past.length > 0 ? past : rows).map(({ from_ms }) => from_ms);
  const start_ms = past.length > 0 ? Math.max(...starts) : Math.min(...starts);
  return rows.filter(({ from_ms }) => from_ms === start_ms);
}

function costOf(usage: Usage, row: PriceRow): number | null {
  // Half of what is rounded to is in it from the start.
  let scaled = usage.web_searches * WEB_SEARCH_MICRO_USD * TOKENS_PER_PRICE + TOKENS_PER_PRICE / 2;
  let exact = Number.isSafeInteger(scaled);
  const parts = partsOf(usage, row);
  for (const [tokens, price] of parts) {
    if (tokens === 0) continue;
    if (price === null) return null;
    scaled += tokens * price;
    exact &&= Number.isSafeInteger(tokens * price) && Number.isSafeInteger(scaled);
  }
  if (!exact) return largeCostOf(usage, parts);
  return (scaled - (scaled % TOKENS_PER_PRICE)) / TOKENS_PER_PRICE;
}

function partsOf(usage: Usage, row: PriceRow): [tokens: number, price: number | null][] {
  return [
    [usage.input, row.input],
    [usage.output, row.output],
    [usage.cache_read, row.cache_read],
    [usage.cache_write_5m, row.cache_write_5m],
    [usage.cache_write_1h, row.cache_write_1h],
  ];
}

/** Tokens × price passes 2^53 at 360 M tokens of a 25 USD model: then with BigInt, which has no limit. */
function largeCostOf(usage: Usage, parts: readonly [number, number | null][]): number {
  const per_price = BigInt(TOKENS_PER_PRICE);
  let scaled = BigInt(usage.web_searches) * BigInt(WEB_SEARCH_MICRO_USD) * per_price;
  for (const [tokens, price] of parts) scaled += BigInt(tokens) * BigInt(price ?? 0);
  return Number((scaled + per_price / 2n) / per_price);
}
