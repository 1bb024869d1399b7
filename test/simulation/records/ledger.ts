import type { Side, Value } from '../../../src/records/model/value.ts';

export type FieldName = 'name' | 'phone' | 'revenue';
export const FIELDS: readonly FieldName[] = ['name', 'phone', 'revenue'];

/** Everything that people did, on either side: what the flow did is judged by it. */
export class RecordsLedger {
  readonly deletes = new Map<string, number>();
  readonly #written = new Map<string, Set<Value>>();
  readonly #last = new Map<string, Value>();
  #values = 0;

  /** A value that nobody wrote before: a number, so that any field takes it. */
  freshValue(field: FieldName): string {
    const number = ++this.#values;
    return field === 'revenue' ? String(number) : `${field} ${number}`;
  }

  /** A value that the field of this key had once, on either side; null: none yet. */
  formerValue(key: string, field: FieldName, pick: (values: readonly Value[]) => Value): Value {
    const known = [...(this.#written.get(`${key} ${field}`) ?? [])];
    return known.length === 0 ? null : pick(known);
  }

  wrote(side: Side, key: string, values: Readonly<Partial<Record<FieldName, Value>>>): void {
    for (const [field, value] of Object.entries(values)) {
      const place = `${key} ${field}`;
      this.#written.set(place, (this.#written.get(place) ?? new Set()).add(value));
      this.#last.set(`${side} ${place}`, value);
    }
  }

  deleted(key: string): void {
    this.deletes.set(key, (this.deletes.get(key) ?? 0) + 1);
  }

  /** Whether somebody wrote the value into this field of the key; nothing counts as written by nobody. */
  knows(key: string, field: string, value: Value): boolean {
    return value === null || this.#written.get(`${key} ${field}`)?.has(value) === true;
  }

  /** What people wrote last on each side; undefined: nobody wrote there. */
  last(key: string, field: FieldName): Record<Side, Value | undefined> {
    const of = (side: Side): Value | undefined => this.#last.get(`${side} ${key} ${field}`);
    return { salesforce: of('salesforce'), postgres: of('postgres') };
  }
}
