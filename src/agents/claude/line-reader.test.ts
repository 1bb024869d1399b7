import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TranscriptFolder } from '../../../test/support/claude-transcripts.ts';
import type { ReadLimits } from '../source.ts';
import { readLines, type LinePosition, type LinesRead } from './line-reader.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

const START: LinePosition = { offset: 0, discarding: false, prefix_crc32: 0 };

async function read(
  path: string,
  from: LinePosition,
  limits: ReadLimits,
  lines: [number, string][],
): Promise<LinesRead> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    return await readLines(handle, { from, file_size: size, limits }, (buffer, start, end, offset) => {
      lines.push([offset, buffer.toString('utf8', start, end)]);
    });
  } finally {
    await handle.close();
  }
}

it('gives every complete line with its byte offset, skips long ones, holds the last, in steps of any size', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'ü', '€', '😀'), maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 40 }),
      line,
      fc.integer({ min: 1, max: 300 }),
      async (whole, last, max_bytes) => {
        const text = whole.map((one) => `${one}\n`).join('') + last;
        const path = folder.write('lines', text);
        const limits = { max_bytes, max_line_bytes: 60 };
        const taken: [number, string][] = [];
        let position = START;
        let oversize = 0;
        for (let more = true; more;) {
          const step = await read(path, position, limits, taken);
          expect(step.more && step.position.offset === position.offset).toBe(false);
          ({ position, more } = step);
          oversize += step.oversize;
        }
        const all = whole.map((one, index) => [
          Buffer.byteLength(
            whole
              .slice(0, index)
              .map((l) => `${l}\n`)
              .join(''),
          ),
          one,
        ]);
        const short = all.filter(([, one]) => Buffer.byteLength(String(one)) <= 60);
        const last_is_long = Buffer.byteLength(last) > 60;
        expect(taken).toEqual(short);
        expect(oversize).toBe(all.length - short.length + Number(last_is_long));
        const bytes = Buffer.from(text);
        expect(position.offset).toBe(last_is_long ? bytes.length : bytes.length - Buffer.byteLength(last));
        expect(position.prefix_crc32).toBe(crc32(bytes.subarray(0, position.offset)));
      },
    ),
    { numRuns: 300 },
  );
});

it('takes one line at least, however small the step, and stops after the first that reaches it', async () => {
  const path = folder.write('lines', 'first\nsecond\nthird\n');
  const lines: [number, string][] = [];
  const step = await read(path, START, { max_bytes: 7, max_line_bytes: 100 }, lines);
  expect(lines).toEqual([
    [0, 'first'],
    [6, 'second'],
  ]);
  expect([step.position.offset, step.more]).toEqual([13, true]);
});

it('throws a long line away over several steps in bounded memory', async () => {
  const path = folder.write('lines', `${'x'.repeat(10_000_000)}\nshort\n`);
  const lines: [number, string][] = [];
  const limits = { max_bytes: 1_000_000, max_line_bytes: 2_000_000 };
  let step = await read(path, START, limits, lines);
  let oversize = step.oversize;
  expect(step.position.discarding).toBe(true);
  while (step.more) {
    step = await read(path, step.position, limits, lines);
    oversize += step.oversize;
  }
  expect([oversize, lines]).toEqual([1, [[10_000_001, 'short']]]);
});
