/** Which external id a record of Salesforce has, when its event does not say. */
import type { ObjectMapping } from '../../model/mapping.ts';
import type { Found } from '../../sides.ts';
import type { CapturedEvent } from './change-event.ts';

export interface KeyLookups {
  /** Keys of records by their Salesforce ids, as far as links (and entries that wait) know them. At most 2,000 ids. */
  resolve(mapping: ObjectMapping, salesforce_ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** `SalesforceSide.readIds`. */
  readIds(mapping: ObjectMapping, salesforce_ids: readonly string[], signal: AbortSignal): Promise<Found[]>;
}

/**
 * Why a change has no key. `no_external_id`: it comes back with the change that gives it one · `unknown`: no link, and not there
 * any more, so that nobody can have had it · `ambiguous`: several records have its external id.
 */
export type UnkeyedReason = 'no_external_id' | 'unknown' | 'ambiguous';

/** An event of one record. */
export type RecordEventOf = CapturedEvent & { readonly salesforce_id: string };

/** The key that an event itself bears. */
export interface ToldKey {
  /** Null: the event says that the record has none. */
  readonly key: string | null;
  /** It is among what changed, so the record may have had another before. */
  readonly changed: boolean;
}

export interface WantedKey {
  readonly mapping: ObjectMapping;
  readonly event: RecordEventOf;
  /** Null: the event does not say. */
  readonly told: ToldKey | null;
}

const MOST_IDS = 2000;
/** Of records whose first entry may not have become a link yet. */
const MOST_REMEMBERED = 20_000;

export class KeyResolver {
  readonly #lookups: KeyLookups & { signal: AbortSignal };
  /** By mapping and id; the oldest go first. */
  readonly #remembered = new Map<string, string>();
  /** Answers for the step under way. */
  #answers = new Map<string, string>();
  #reasons = new Map<string, UnkeyedReason>();

  constructor(lookups: KeyLookups & { signal: AbortSignal }) {
    this.#lookups = lookups;
  }

  /** Asks for all records of a step at once: links first, Salesforce for the rest that can still be read there. */
  async prepare(wanted: readonly WantedKey[]): Promise<void> {
    this.#answers = new Map();
    this.#reasons = new Map();
    const learned = new Set<string>();
    const unknown = wanted.filter(({ mapping, event, told }) => {
      const name = nameOf(mapping, event.salesforce_id);
      const is_known = this.#remembered.has(name) || learned.has(name);
      if (told?.key) learned.add(name);
      // A key that an event tells is asked about only where it may have replaced another.
      return !is_known && (told === null || (told.changed && event.change !== 'created'));
    });
    for (const [mapping, of_mapping] of Map.groupBy(unknown, (one) => one.mapping)) {
      await this.#ask(mapping, of_mapping);
    }
  }

  async #ask(mapping: ObjectMapping, wanted: readonly WantedKey[]): Promise<void> {
    for (const ids of chunks(new Set(wanted.map(({ event }) => event.salesforce_id)))) {
      for (const [id, key] of await this.#lookups.resolve(mapping, ids)) this.#answers.set(nameOf(mapping, id), key);
    }
    const left = wanted.filter(
      ({ event, told }) =>
        told === null && event.change !== 'deleted' && !this.#answers.has(nameOf(mapping, event.salesforce_id)),
    );
    for (const ids of chunks(new Set(left.map(({ event }) => event.salesforce_id)))) await this.#fetch(mapping, ids);
  }

  async #fetch(mapping: ObjectMapping, ids: readonly string[]): Promise<void> {
    const found = await this.#lookups.readIds(mapping, ids, this.#lookups.signal);
    for (const [at, id] of ids.entries()) {
      const one = found[at];
      if (one?.kind === 'record' && one.record.key !== '') this.#answers.set(nameOf(mapping, id), one.record.key);
      else if (one?.kind === 'ambiguous') this.#reasons.set(nameOf(mapping, id), 'ambiguous');
      else if (one?.kind === 'record') this.#reasons.set(nameOf(mapping, id), 'no_external_id');
    }
  }

  /** The key that the record had until now. */
  known(mapping: ObjectMapping, salesforce_id: string): string | null {
    const name = nameOf(mapping, salesforce_id);
    return this.#remembered.get(name) ?? this.#answers.get(name) ?? null;
  }

  reason({ mapping, event, told }: WantedKey): UnkeyedReason {
    if (told !== null) return 'no_external_id';
    return this.#reasons.get(nameOf(mapping, event.salesforce_id)) ?? 'unknown';
  }

  /** `key` null: it has none any more. */
  remember(mapping: ObjectMapping, salesforce_id: string, key: string | null): void {
    const name = nameOf(mapping, salesforce_id);
    this.#remembered.delete(name);
    if (key === null) return;
    this.#remembered.set(name, key);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MOST_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }
}

const nameOf = (mapping: ObjectMapping, salesforce_id: string): string => `${mapping.name} ${salesforce_id}`;

function chunks(ids: ReadonlySet<string>): string[][] {
  const all = [...ids];
  const parts: string[][] = [];
  for (let at = 0; at < all.length; at += MOST_IDS) parts.push(all.slice(at, at + MOST_IDS));
  return parts;
}
