import { Type } from 'avsc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEventSchema } from './event-schema.ts';

const SCHEMA = {
  type: 'record',
  name: 'ThingChangeEvent',
  namespace: 'com.sforce.eventbus',
  fields: [
    { name: 'Text', type: ['null', 'string'], default: null },
    { name: 'Flag', type: ['null', 'boolean'], default: null },
    { name: 'Count', type: ['null', 'int'], default: null },
    { name: 'Amount', type: ['null', 'double'], default: null },
    { name: 'At', type: ['null', 'long'], default: null },
    // Two numbers in one union: a library may wrap its value with the branch's name.
    { name: 'Either', type: ['null', 'int', 'double'], default: null },
    {
      name: 'Address',
      type: ['null', { type: 'record', name: 'Address', fields: [{ name: 'City', type: ['null', 'string'] }] }],
      default: null,
    },
    { name: 'Other', type: ['null', 'Address'], default: null },
    // As Account.Name stands in organisations that may have person accounts.
    {
      name: 'Name',
      type: [
        'null',
        'string',
        { type: 'record', name: 'Person', fields: [{ name: 'LastName', type: ['null', 'string'] }] },
      ],
      default: null,
    },
  ],
};
const schema = parseEventSchema('s1', JSON.stringify(SCHEMA));
const writer = Type.forSchema(SCHEMA as Parameters<typeof Type.forSchema>[0], { wrapUnions: 'always' });
const maybe = <T>(branch: string, value: fc.Arbitrary<T>) => fc.option(value.map((inner) => ({ [branch]: inner })));

test('any value comes back through Avro as it was, each union as its value', () => {
  const double = fc.double({ noNaN: true });
  const city = fc.option(fc.record({ City: maybe('string', fc.string()) }));
  const event = fc.record({
    Text: maybe('string', fc.string()),
    Flag: maybe('boolean', fc.boolean()),
    Count: maybe('int', fc.integer()),
    Amount: maybe('double', double),
    // avsc itself writes numbers beyond 2⁵² wrongly; how they are read is tried below.
    At: maybe('long', fc.integer({ min: -(2 ** 51), max: 2 ** 51 })),
    Either: fc.oneof(maybe('int', fc.integer()), maybe('double', double)),
    Address: city.map((inner) => inner && { 'com.sforce.eventbus.Address': inner }),
    Other: city.map((inner) => inner && { 'com.sforce.eventbus.Address': inner }),
    Name: fc.oneof(
      maybe('string', fc.string()),
      fc.record({ LastName: maybe('string', fc.string()) }).map((inner) => ({ 'com.sforce.eventbus.Person': inner })),
    ),
  });
  fc.assert(
    fc.property(event, (value) => {
      expect(schema.read(writer.toBuffer(value))).toEqual(plain(value));
    }),
  );
});

/** Without the names of branches. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [[name, inner] = ['', null]] = entries;
  if (entries.length === 1 && /^(string|boolean|int|double|long|com\..*)$/.test(name)) return plain(inner);
  return Object.fromEntries(entries.map(([key, child]) => [key, plain(child)]));
}

test('every long is read exactly: a number where that is exact, else a bigint', () => {
  const long = parseEventSchema(
    'l',
    JSON.stringify({ type: 'record', name: 'L', fields: [{ name: 'n', type: 'long' }] }),
  );
  const exact = (value: bigint): number | bigint =>
    value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  const near = fc.constantFrom(
    -(2n ** 63n),
    2n ** 63n - 1n,
    2n ** 53n,
    -(2n ** 53n),
    2n ** 53n - 1n,
    2n ** 52n,
    0n,
    -1n,
  );
  fc.assert(
    fc.property(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), near), (value) => {
      expect(long.read(zigzag(value))).toEqual({ n: exact(value) });
    }),
  );
});

/** Avro's form of a long. */
function zigzag(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

test('fields are told in their order, compounds with their parts', () => {
  expect(schema.name).toBe('ThingChangeEvent');
  expect(schema.fields.map(({ name, children }) => `${name}${children ? `(${children.join()})` : ''}`)).toEqual([
    'Text',
    'Flag',
    'Count',
    'Amount',
    'At',
    'Either',
    'Address(City)',
    'Other(City)',
    'Name(LastName)',
  ]);
});

test('bytes that are not of the schema never yield an event quietly', () => {
  const whole = writer.toBuffer({
    Text: { string: 'abc' },
    Flag: null,
    Count: null,
    Amount: null,
    At: null,
    Either: null,
    Address: null,
    Other: null,
    Name: null,
  });
  for (let length = 0; length < whole.length; length++) expect(() => schema.read(whole.subarray(0, length))).toThrow();
  expect(() => schema.read(Buffer.concat([whole, Buffer.from([0])]))).toThrow();
});
