import type { AgentEvent, AgentName } from '../../agents/event.ts';
import type { FlowWrite } from '../../engine/store.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { rowsOfOneInsert, textOfRows, type RowsStatement } from '../../storage/sqlite/insert-rows.ts';

const HOUR_MS = 3_600_000;

/** Codex writes the time of the fork into what it copies (agents specification §4), Cursor has no times. */
const COPIES_KEEP_TIMES: Record<AgentName, boolean> = { claude: true, codex: false, cursor: false };

interface Origin {
  /** 52 bits of a hash of the native id: enough to tell one session's events from another's. */
  session: number;
  owner_rank: string;
  /** Grows with everything that only grows in a usage; the greater one tells more. */
  usage_weight: number;
}

/** What one occurrence of an event says of its origin. */
export interface Occurrence extends Origin {
  key: string;
}

/**
 * Which events are copies of known ones (R4, agents specification §2.8): a fork or resume copies a whole conversation
 * into a new file. A copy adds nothing unless it shows an older owner or a greater usage; then it is appended, and the
 * store merges it. So a database made anew, or files read in any order, come to the same figures.
 */
export class Origins {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** `identity` is the hash of the event's; `session`, 52 bits of that of its session's id. */
  occurrence(event: AgentEvent, identity: string, session: number): Occurrence {
    return {
      key: keyOf(event, identity),
      session,
      owner_rank: event.owner_rank,
      usage_weight: (event.usage?.output ?? 0) + (event.usage?.web_searches ?? 0),
    };
  }

  /** Begins to select among the events of one append. */
  selection(occurrences: readonly Occurrence[]): Selection {
    return new Selection(this.#known(occurrences.map(({ key }) => key)));
  }

  #known(keys: readonly string[]): Map<string, Origin> {
    const rows = this.#db.all<Origin & { origin: string }>(
      `SELECT lower(hex(origin)) AS origin, session, owner_rank, usage_weight FROM telemetry_origin
       WHERE origin IN (SELECT unhex(value) FROM json_each(?))`,
      JSON.stringify(keys),
    );
    return new Map(rows.map(({ origin, ...row }) => [origin, row]));
  }
}

/** The hour only where a copy surely has the same: a line without a time of its own takes that of its neighbours. */
function keyOf({ agent, ts_ms, ts_exact }: AgentEvent, identity: string): string {
  const hour = ts_exact && COPIES_KEEP_TIMES[agent] ? Math.max(0, Math.trunc(ts_ms / HOUR_MS)) : 0;
  return hour.toString(16).padStart(8, '0') + identity.slice(0, 24);
}

/** The events of one append, one unit after the other: what an earlier one brings is known to the later ones. */
class Selection {
  readonly #known: Map<string, Origin>;
  readonly #changed = new Map<string, Origin>();

  constructor(known: Map<string, Origin>) {
    this.#known = known;
  }

  /** The events among `events` that say something new. */
  fresh<T extends { occurrence: Occurrence }>(events: readonly T[]): T[] {
    return events.filter(({ occurrence }) => {
      const after = joined(this.#known.get(occurrence.key), occurrence);
      if (!after) return false;
      this.#known.set(occurrence.key, after);
      this.#changed.set(occurrence.key, after);
      return true;
    });
  }

  /** What remembers them. */
  writes(): FlowWrite[] {
    const changed = [...this.#changed];
    const writes: FlowWrite[] = [];
    for (let from = 0, count = 0; from < changed.length; from += count) {
      count = rowsOfOneInsert(changed.length - from);
      writes.push(rememberAll(changed.slice(from, from + count)));
    }
    return writes;
  }
}

/** What is known after this occurrence; null when it adds nothing. */
function joined(before: Origin | undefined, occurrence: Occurrence): Origin | null {
  if (!before) return occurrence;
  const { session, owner_rank, usage_weight } = occurrence;
  const older = owner_rank < before.owner_rank;
  const greater = usage_weight > before.usage_weight;
  if (!greater && !(older && session !== before.session)) return null;
  return {
    session: older ? session : before.session,
    owner_rank: older ? owner_rank : before.owner_rank,
    usage_weight: Math.max(usage_weight, before.usage_weight),
  };
}

const REMEMBER: RowsStatement = {
  head: 'INSERT INTO telemetry_origin (origin, session, owner_rank, usage_weight)',
  row: '(unhex(?), ?, ?, ?)',
  tail: `ON CONFLICT (origin)
    DO UPDATE SET session = excluded.session, owner_rank = excluded.owner_rank, usage_weight = excluded.usage_weight`,
};

function rememberAll(origins: readonly [key: string, origin: Origin][]): FlowWrite {
  const parameters: FlowWrite['parameters'] = [];
  for (const [key, { session, owner_rank, usage_weight }] of origins)
    parameters.push(key, session, owner_rank, usage_weight);
  return { sql: textOfRows(REMEMBER, origins.length), parameters, expect_rows: origins.length };
}
