import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Timers } from '../../platform/timers.ts';
import { readInput } from './input.ts';

const limits = { max_bytes: 10_000, max_idle_ms: 60, max_total_ms: 250 };
/** Never runs out of patience. */
const patient: Timers = { sleep: () => new Promise(() => undefined) };
const impatient: Timers = { sleep: () => Promise.resolve() };

it('finds the object in any chunks, with anything after it, without waiting for the end', async () => {
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
      cuts,
      fc.string(),
      async (object, at, after) => {
        const payload: unknown = JSON.parse(JSON.stringify(object));
        const bytes = Buffer.from(` ${JSON.stringify(payload)}${after}`);
        const stream = new PassThrough();
        let from = 0;
        for (const to of [...at.sort((a, b) => a - b), bytes.length]) {
          if (to > from) stream.write(bytes.subarray(from, to));
          from = Math.max(from, Math.min(to, bytes.length));
        }
        const input = await readInput(stream, patient, limits);
        expect(input.payload).toEqual(payload);
        expect(input.truncated).toBe(false);
      },
    ),
  );
});

it.each([
  ['{"a":1,"b":"x","tool_input":{"c":"lo', { a: 1, b: 'x' }],
  ['{"a":"1","b":"half', { a: '1' }],
  ['{"a":"1","list":[1,2', { a: '1' }],
  ['{"a', null],
  ['nonsense', null],
])('of %j it keeps what is whole', async (text, payload) => {
  const stream = new PassThrough();
  stream.write(text);
  expect(await readInput(stream, { sleep: () => new Promise((r) => setImmediate(r)) }, limits)).toMatchObject({
    payload,
    truncated: true,
  });
});

it('ends with the stream, at the byte limit, on an error, and when patience ends', async () => {
  expect(await readInput(Readable.from([Buffer.from('{"a":')]), patient, limits)).toMatchObject({
    payload: null,
    bytes: 5,
  });
  const long = Readable.from([Buffer.from(`{"a":"b","c":"${'x'.repeat(20_000)}"}`)]);
  expect(await readInput(long, patient, limits)).toMatchObject({ payload: { a: 'b' }, bytes: 10_000, truncated: true });
  const broken = new PassThrough();
  broken.destroy(new Error('gone'));
  expect(await readInput(broken, patient, limits)).toMatchObject({ payload: null, bytes: 0 });
  expect(await readInput(new PassThrough(), impatient, limits)).toMatchObject({ payload: null, bytes: 0 });
});
