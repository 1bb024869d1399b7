import { OrgRefusal } from '../org/refusal.ts';
import type { Org } from '../org/org.ts';
import type { Fault, FaultEffect, FaultMatch, Occasion } from './fault.ts';

interface Armed extends Fault {
  id: number;
  seen: number;
  struck: number;
}

const ROW_MESSAGES: Readonly<Record<string, string>> = {
  UNABLE_TO_LOCK_ROW: 'unable to obtain exclusive access to this record or 1 records',
  DUPLICATES_DETECTED: 'Use one of these records?',
  INSUFFICIENT_ACCESS_OR_READONLY: 'insufficient access rights on object id',
};

/** The faults of a sandbox, in the order they were added. */
export class Faults {
  #armed: Armed[] = [];
  #next = 1;

  /** Rows that come through an API are asked about; edits within the process never fail by a fault. */
  constructor(org: Org) {
    org.addGuard(({ api, entity, record_id, row }) => {
      if (api === null) return;
      const effect = this.strike('row', { object: entity, record_id, values: row });
      if (effect)
        throw new OrgRefusal(
          effect.status_code,
          effect.message ?? ROW_MESSAGES[effect.status_code] ?? 'refused by a fault of the sandbox',
          effect.fields ?? [],
        );
    });
  }

  /** Returns the number by which it is removed. */
  add(fault: Fault): number {
    const id = this.#next++;
    this.#armed.push({ ...fault, id, seen: 0, struck: 0 });
    return id;
  }

  remove(id: number): boolean {
    const before = this.#armed.length;
    this.#armed = this.#armed.filter((fault) => fault.id !== id);
    return this.#armed.length < before;
  }

  clear(): void {
    this.#armed = [];
  }

  list(): readonly Readonly<Armed>[] {
    return this.#armed;
  }

  /** The effect of the first fault of a kind that strikes on this occasion; null for none. Counts it. */
  strike<K extends FaultEffect['kind']>(kind: K, occasion: Occasion): Extract<FaultEffect, { kind: K }> | null {
    for (const fault of this.#armed) {
      const { effect } = fault;
      if (!isKind(effect, kind) || !matches(fault.match ?? {}, occasion)) continue;
      fault.seen += 1;
      if (fault.seen <= (fault.after ?? 0)) continue;
      if (fault.struck >= (fault.times ?? Infinity)) continue;
      fault.struck += 1;
      return effect;
    }
    return null;
  }
}

function isKind<K extends FaultEffect['kind']>(
  effect: FaultEffect,
  kind: K,
): effect is Extract<FaultEffect, { kind: K }> {
  return effect.kind === kind;
}

function matches({ method, path, object, record_id, values }: FaultMatch, occasion: Occasion): boolean {
  if (method !== undefined && method.toUpperCase() !== occasion.method) return false;
  if (path !== undefined && !patternOf(path).test(occasion.target ?? '')) return false;
  if (object !== undefined && object.toLowerCase() !== occasion.object?.toLowerCase()) return false;
  if (record_id !== undefined && record_id.slice(0, 15) !== occasion.record_id?.slice(0, 15)) return false;
  return Object.entries(values ?? {}).every(([name, value]) => occasion.values?.[name] === value);
}

function patternOf(path: string): RegExp {
  const parts = path.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\/]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`);
}
