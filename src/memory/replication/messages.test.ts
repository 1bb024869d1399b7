import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SynclineError } from '../../platform/errors.ts';
import type { OperationPage, RowState } from '../replica.ts';
import { WIRE_LIMITS } from './limits.ts';
import {
  readAcks,
  readGreeting,
  readKeys,
  readMessage,
  readPages,
  readPrefixes,
  readPull,
  readRanges,
  readRows,
  readSeed,
  readSnapshot,
  writeMessage,
  writePages,
  writeRows,
  type Message,
} from './messages.ts';

const standing = {
  origin: 'aaaa.1',
  run: 'a1b2',
  vector: { 'aaaa.1': 7, 'bbbb.2': 3 },
  root: '00ff',
  yours: [{ operation: 'cccc.1:4', hash: '0123456789abcdef' }],
  asks: ['aaaa.1:3'],
};
const READERS = [
  readAcks,
  readGreeting,
  readKeys,
  readPages,
  readPrefixes,
  readPull,
  readRanges,
  readRows,
  readSeed,
  readSnapshot,
] as const;

/** Any text that JSON.stringify could have made: no line feeds. */
const text = fc.json().map((json) => JSON.stringify(JSON.parse(json)));

describe('messages', () => {
  test('operations arrive byte for byte, in their pages', () => {
    const page = fc.record({
      origin: fc.constantFrom('aaaa.1', 'bbbb.2'),
      first: fc.integer({ min: 1, max: 1_000_000 }),
      follows: fc.constantFrom('', '0123456789abcdef'),
      operations: fc.array(text, { minLength: 1, maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(page, { maxLength: 4 }), (pages) => {
        const { pages: heads, texts } = writePages(pages);
        const message = readMessage(writeMessage(standing, { pages: heads }, texts));
        expect(message.standing).toEqual(standing);
        expect(readPages(message)).toEqual(pages);
      }),
    );
  });

  test('erased operations keep their places as empty texts', () => {
    const pages: OperationPage[] = [{ origin: 'aaaa.1', first: 4, follows: '', operations: ['', '{"v":1}', ''] }];
    const { pages: heads, texts } = writePages(pages);
    expect(readPages(readMessage(writeMessage(standing, { pages: heads }, texts)))).toEqual(pages);
    const one: OperationPage[] = [{ origin: 'aaaa.1', first: 4, follows: '', operations: [''] }];
    const written = writePages(one);
    expect(readPages(readMessage(writeMessage(standing, { pages: written.pages }, written.texts)))).toEqual(one);
  });

  test('states arrive with their rows', () => {
    const rows: RowState[] = [
      { row: 'memory', key: 'm 1', state: '{"dead":""}' },
      { row: 'floor', key: 'floor', state: '{}' },
    ];
    const { rows: keys, texts } = writeRows(rows);
    expect(readRows(readMessage(writeMessage(standing, { rows: keys }, texts)))).toEqual(rows);
  });

  test('another dialect is refused with both numbers', () => {
    const body = writeMessage(standing).replace('"dialect":1', '"dialect":9');
    expect(() => readMessage(body)).toThrow(/dialect 9.*1/);
  });

  test.each([
    ['origin', { ...standing, origin: 'Not one' }, {}],
    ['vector', { ...standing, vector: { 'aaaa.1': -1 } }, {}],
    ['vector', { ...standing, vector: { 'aaaa.1': 1.5 } }, {}],
    ['vector', { ...standing, vector: JSON.parse('{"__proto__":1}') as Record<string, number> }, {}],
    ['root', { ...standing, root: '' }, {}],
  ])('a wrong %s is named', (field, said, body) => {
    expect(() => readMessage(writeMessage(said, body))).toThrow(
      expect.objectContaining({ code: 'memory.message', field }),
    );
  });

  test.each([
    ['pages', { pages: [{ origin: 'aaaa.1', first: 1, items: 2 }] }, ['one'], readPages],
    ['first', { pages: [{ origin: 'aaaa.1', first: 0, items: 1 }] }, ['one'], readPages],
    ['items', { pages: [{ origin: 'aaaa.1', first: 1, items: WIRE_LIMITS.max_items + 1 }] }, [], readPages],
    ['rows', { rows: [] }, ['one'], readRows],
    ['wait_ms', { wait_ms: WIRE_LIMITS.max_wait_ms + 1, except: [] }, [], readPull],
    ['except', { wait_ms: 1, except: ['..'] }, [], readPull],
    ['prefixes', { prefixes: ['zz'] }, [], readPrefixes],
    ['prefixes', { prefixes: Array<string>(WIRE_LIMITS.max_ranges + 1).fill('a') }, [], readPrefixes],
    ['acks.0.outcomes', { acks: [{ origin: 'aaaa.1', through: 1, outcomes: 'x', stopped: null }] }, [], readAcks],
    ['stopped.why', { acks: [{ origin: 'aaaa.1', through: 1, outcomes: '', stopped: { why: 'no' } }] }, [], readAcks],
  ] as const)('a wrong %s is named', (field, body, texts, read: (message: Message) => unknown) => {
    const message = readMessage(writeMessage(standing, body, texts));
    expect(() => read(message)).toThrow(expect.objectContaining({ code: 'memory.message', field }));
  });

  test('too much is refused before it is read', () => {
    const many = Array<string>(WIRE_LIMITS.max_texts + 1).fill('{}');
    expect(() => readMessage(writeMessage(standing, {}, many))).toThrow(/texts/);
    expect(() => readMessage(writeMessage(standing, { pad: 'x'.repeat(WIRE_LIMITS.max_head_bytes) }))).toThrow(/head/);
    expect(() => readMessage('x'.repeat(WIRE_LIMITS.max_message_bytes + 1))).toThrow(/message/);
  });

  test('whatever is sent, the answer is a refusal that names its place, never a defect', () => {
    const head = fc.oneof(
      fc.object({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
      fc.object({ maxDepth: 3 }).map((value) => writeMessage(standing, value)),
      fc.string(),
    );
    fc.assert(
      fc.property(head, fc.array(fc.string(), { maxLength: 3 }), (line, more) => {
        for (const read of READERS)
          try {
            read(readMessage([line, ...more].join('\n')));
          } catch (error) {
            expect(error).toBeInstanceOf(SynclineError);
          }
      }),
      { numRuns: 1000 },
    );
  });
});
