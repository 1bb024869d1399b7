import type { Clock } from '../../platform/clock.ts';
import { Turns } from '../../platform/turns.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Memories } from '../memories.ts';
import type { Memory } from '../memory.ts';
import type { OriginId } from '../origin.ts';
import { instantOfMilliseconds, parseInstant, type Instant } from './instant.ts';
import { rowsTouched } from './outbox.ts';
import { Outgoing } from './outgoing.ts';
import { ServedOrder } from './served-order.ts';
import type { Sharing } from './sharing.ts';
import { MAX_PAGE_BYTES, type ScopeStatus, type SincePage, type SinceQuery } from './since.ts';
import { formatWireMemory, type WireMemory } from './wire-memory.ts';

/** Rows looked at in one step. */
const STEP = 500;

/** What a peer may read. The baseline served everything to everybody; this serves nothing that is private to anybody. */
export interface ReadScope {
  status: ScopeStatus;
  sharing: Sharing;
}

/** Serves `GET /api/v1/sync/since` from the order of arrival. */
export class SinceFeed {
  readonly #memories: Memories;
  readonly #order: ServedOrder;
  readonly #clock: Clock;
  readonly #redactor: Redactor;
  readonly #turns = new Turns();

  constructor(parts: { memories: Memories; db: Database; clock: Clock; redactor: Redactor }) {
    this.#redactor = parts.redactor;
    this.#memories = parts.memories;
    this.#order = new ServedOrder(parts.db);
    this.#clock = parts.clock;
  }

  /**
   * A page for a peer. Rows that it may not see are passed over before the limit counts, so they neither empty a page nor
   * hold up its mark (D13).
   */
  async page(query: SinceQuery, scope: ReadScope): Promise<SincePage> {
    const page = {
      query,
      memories: [] as WireMemory[],
      scope_status: scope.status,
      excluded_for_scope: 0,
      excluded_for_scope_private: 0,
      examined: query.since,
    };
    if (scope.status === 'no_allowlist_default_deny') return page;
    await this.#turns.run(() => this.#takeUp());
    const outgoing = new Outgoing(scope.sharing, this.#redactor);
    let bytes = 0;
    for (;;) {
      const served = this.#order.after(page.examined, STEP);
      const live = await this.#live(served.map(({ id }) => id));
      for (const { id, served_at } of served) {
        if (page.memories.length >= query.limit || bytes > MAX_PAGE_BYTES) return page;
        page.examined = served_at;
        const memory = live.get(id);
        if (!memory) continue;
        const withheld = outgoing.withheld(memory);
        if (withheld === 'namespace') page.excluded_for_scope++;
        else if (withheld === 'private') page.excluded_for_scope_private++;
        else {
          const row = { ...outgoing.masked(memory), updated_at: served_at };
          bytes += Buffer.byteLength(formatWireMemory(row));
          page.memories.push(row);
        }
      }
      if (served.length < STEP) return page;
    }
  }

  /** The living among them; the others leave the order. */
  async #live(ids: readonly string[]): Promise<Map<string, Memory>> {
    const live = new Map((await this.#memories.getMany(ids)).map((memory) => [memory.id, memory]));
    this.#order.forget(ids.filter((id) => !live.has(id)));
    return live;
  }

  /** Reads on in the operations of every origin, and notes the arrival of what they touched. */
  async #takeUp(): Promise<void> {
    const { replica } = this.#memories;
    const through = this.#order.through();
    for (const [origin, last] of Object.entries(replica.vector())) {
      for (let after = through[origin] ?? 0; after < last;) {
        const page = await replica.read(origin, after);
        if (!page || page.operations.length === 0) {
          await this.#takeUpAll(origin, last);
          break;
        }
        const ids = page.operations.flatMap(rowsTouched).flatMap(({ row, key }) => (row === 'memory' ? [key] : []));
        after = page.first + page.operations.length - 1;
        await this.#arrived(ids, { [origin]: after });
      }
    }
  }

  /** The operations are past retention: everything that lives is served once more. */
  async #takeUpAll(origin: OriginId, through: number): Promise<void> {
    for await (const page of this.#memories.export())
      await this.#arrived(
        page.memories.map(({ id }) => id),
        {},
      );
    await this.#arrived([], { [origin]: through });
  }

  async #arrived(ids: readonly string[], through: Record<OriginId, number>): Promise<void> {
    // In the order of their last operation here.
    const last = [...new Set(ids.toReversed())].reverse();
    const live = new Map((await this.#memories.getMany(last)).map((memory) => [memory.id, memory]));
    const rows = last.flatMap((id): { id: string; updated_at: Instant }[] => {
      const memory = live.get(id);
      return memory ? [{ id, updated_at: parseInstant(memory.updated_at) ?? 0n }] : [];
    });
    this.#order.arrived(rows, instantOfMilliseconds(this.#clock.now_ms()), through);
  }
}
