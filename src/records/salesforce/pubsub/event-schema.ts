/** Avro schemas of events, and events read by them. */
// CommonJS whose names Node does not see: values come by the default.
import avsc, { type Type, type types } from 'avsc';

/** A field in the order of its schema: bitmaps count by it. */
export interface EventField {
  readonly name: string;
  /** Of a compound (an address, a person's name): its parts in order. */
  readonly children: readonly string[] | null;
}

export interface EventSchema {
  readonly schema_id: string;
  /** `AccountChangeEvent` */
  readonly name: string;
  readonly fields: readonly EventField[];
  /** @throws Error for bytes that are not of this schema; its text may quote them. */
  read(payload: Buffer): DecodedEvent;
}

/** By names of the schema; a union's value stands for itself; a long beyond 2⁵³ is a bigint. */
export type DecodedEvent = Readonly<Record<string, unknown>>;

/** @throws Error for what is no Avro schema of a record; its text may quote it. */
export function parseEventSchema(schema_id: string, json: string): EventSchema {
  const type: unknown = avsc.Type.forSchema(JSON.parse(json) as Parameters<typeof Type.forSchema>[0], {
    registry: { long: exactLong() },
    wrapUnions: 'auto',
  });
  if (!(type instanceof avsc.types.RecordType)) throw new Error('The schema of an event is no record');
  return {
    schema_id,
    name: (type.name ?? '').split('.').at(-1) ?? '',
    fields: type.fields.map((field) => ({ name: field.name, children: childrenOf(field.type) })),
    read: (payload) => unwrapped(type.fromBuffer(payload)) as DecodedEvent,
  };
}

/** Avro's long has 64 bits, a number 53. What fits is a number, the rest a bigint; nothing is rounded. */
function exactLong(): types.LongType {
  return avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => {
      const value = bytes.readBigInt64LE();
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    },
    toBuffer: (value: number | bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
    compare: (a: number | bigint, b: number | bigint) => (a === b ? 0 : a < b ? -1 : 1),
  });
}

function childrenOf(type: Type): string[] | null {
  const branches =
    type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType ? type.types : [type];
  const record = branches.find((branch) => branch instanceof avsc.types.RecordType);
  return record ? record.fields.map(({ name }) => name) : null;
}

interface Wrapped {
  unwrap(): unknown;
}

/** Unions whose branches look alike (two kinds of number) come wrapped with the branch's name. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(unwrapped);
  if ('unwrap' in value && typeof value.unwrap === 'function') return unwrapped((value as Wrapped).unwrap());
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unwrapped(inner)]));
}
