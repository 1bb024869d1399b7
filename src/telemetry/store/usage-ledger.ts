import type { Database } from '../../storage/sqlite/database.ts';
import type { EventContent } from './event-merge.ts';

/** Reports count by quarter hours: every time zone in use is off by whole quarters, so local days are sums of them. */
export const QUARTER_MS = 15 * 60_000;

/** The quarter hour that a time falls in. */
export function quarterOf(at_ms: number): number {
  return at_ms - (at_ms % QUARTER_MS);
}

/** What usage is counted by. Empty text: the item does not say. */
export interface UsageKey {
  session_key: number;
  quarter_ms: number;
  workspace_key: number;
  agent: string;
  model: string;
  tool: string;
  price_date: string;
}

/** What is counted. A sum stands beside how many items knew it, so that none known is null and not zero (R4). */
export const MEASURES = [
  'events',
  'tokens_in',
  'tokens_in_known',
  'tokens_out',
  'tokens_out_known',
  'cache_read',
  'cache_read_known',
  'cache_write',
  'cache_write_known',
  'cost_usd_e6',
  'cost_known',
  'unpriced',
  'calls',
  'failures',
  'span_calls',
  'span_failures',
] as const;

export type Measures = Partial<Record<(typeof MEASURES)[number], number>>;

const KEY_COLUMNS = ['session_key', 'quarter_ms', 'workspace_key', 'agent', 'model', 'tool', 'price_date'] as const;
const KEY_SQL = KEY_COLUMNS.map((column) => `${column} = ?`).join(' AND ');

const ADD = `INSERT INTO usage (team_id, ${KEY_COLUMNS.join(', ')}, ${MEASURES.join(', ')})
  VALUES (?, ${[...KEY_COLUMNS, ...MEASURES].map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${MEASURES.map((measure) => `${measure} = ${measure} + excluded.${measure}`).join(', ')}`;

const DROP_EMPTY = `DELETE FROM usage WHERE team_id = ? AND ${KEY_SQL}
  AND ${MEASURES.map((measure) => `${measure} = 0`).join(' AND ')}`;

/**
 * Gathers what one transaction adds to and takes from the usage table, and writes each touched row once. Reports read
 * this table only: over a million events it is some ten thousand rows. Whoever changes an event, call or span must
 * book its old form with -1 and its new one with +1.
 */
export class UsageLedger {
  readonly #entries = new Map<string, { key: UsageKey; sums: number[] }>();
  readonly #call_events = new Map<number, number>();

  book(sign: 1 | -1, key: UsageKey, measures: Measures): void {
    const sums = this.#sumsOf(key);
    for (const [measure, amount] of Object.entries(measures)) add(sums, measure as Measure, sign * amount);
  }

  /** Books an event's own usage; calls that have an id are booked by whoever joins their records. */
  bookEvent(sign: 1 | -1, place: { session_key: number; workspace_key: number }, content: EventContent): void {
    const sums = this.#sumsOf(usageKeyOf(place, content));
    add(sums, 'events', sign);
    addKnown(sums, sign, 'tokens_in', 'tokens_in_known', content.tokens_in);
    addKnown(sums, sign, 'tokens_out', 'tokens_out_known', content.tokens_out);
    addKnown(sums, sign, 'cache_read', 'cache_read_known', content.cache_read_tokens);
    const cache_write = sumKnown(content.cache_write_5m_tokens, content.cache_write_1h_tokens);
    addKnown(sums, sign, 'cache_write', 'cache_write_known', cache_write);
    addKnown(sums, sign, 'cost_usd_e6', 'cost_known', content.cost_usd_e6);
    if (content.tokens_out !== null && content.cost_usd_e6 === null) add(sums, 'unpriced', sign);
    if (content.kind === 'tool_call') this.#countCallEvent(place.session_key, sign);
    if (content.tool_call_id !== null) return;
    if (content.kind === 'tool_call') add(sums, 'calls', sign);
    if (content.kind === 'tool_result' && content.outcome === 'failed') add(sums, 'failures', sign);
  }

  #sumsOf(key: UsageKey): number[] {
    const { session_key, quarter_ms, workspace_key, agent, model, tool, price_date } = key;
    const text = `${session_key}\n${quarter_ms}\n${workspace_key}\n${agent}\n${model}\n${tool}\n${price_date}`;
    let entry = this.#entries.get(text);
    if (!entry) {
      entry = { key, sums: MEASURES.map(() => 0) };
      this.#entries.set(text, entry);
    }
    return entry.sums;
  }

  #countCallEvent(session_key: number, amount: number): void {
    this.#call_events.set(session_key, (this.#call_events.get(session_key) ?? 0) + amount);
  }

  write(db: Database, team_id: string): void {
    for (const { key, sums } of this.#entries.values()) {
      if (sums.every((sum) => sum === 0)) continue;
      const key_values = KEY_COLUMNS.map((column) => key[column]);
      db.run(ADD, team_id, ...key_values, ...sums);
      if (sums.some((sum) => sum < 0)) db.run(DROP_EMPTY, team_id, ...key_values);
    }
    for (const [session_key, amount] of this.#call_events)
      if (amount !== 0)
        db.run('UPDATE session SET call_events = call_events + ? WHERE session_key = ?', amount, session_key);
  }
}

/** The row that an event is counted in. */
export function usageKeyOf(
  place: { session_key: number; workspace_key: number },
  content: Pick<EventContent, 'ts_ms' | 'agent' | 'model' | 'tool' | 'price_date'>,
): UsageKey {
  return {
    session_key: place.session_key,
    quarter_ms: quarterOf(content.ts_ms),
    workspace_key: place.workspace_key,
    agent: content.agent,
    model: content.model,
    tool: content.tool ?? '',
    price_date: content.price_date ?? '',
  };
}

type Measure = (typeof MEASURES)[number];

const PLACE_OF = Object.fromEntries(MEASURES.map((measure, place) => [measure, place])) as Record<Measure, number>;

function add(sums: number[], measure: Measure, amount: number): void {
  const place = PLACE_OF[measure];
  sums[place] = (sums[place] ?? 0) + amount;
}

function addKnown(sums: number[], sign: 1 | -1, sum: Measure, count: Measure, value: number | null): void {
  if (value === null) return;
  add(sums, sum, sign * value);
  add(sums, count, sign);
}

function sumKnown(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}
