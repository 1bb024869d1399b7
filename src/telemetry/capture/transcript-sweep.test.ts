/** How a sweep reads several files at once, with a capture that takes its time. */
import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import type { AgentSource, TranscriptFile } from '../../agents/source.ts';
import type { EngineStore } from '../../engine/store.ts';
import { FullError } from '../../platform/errors.ts';
import type { Capture, CaptureUnit } from './capture.ts';
import { TranscriptSweep } from './transcript-sweep.ts';

const STEPS = 4;
const FILES = 20;
const EVENTS = 30;

/** What was journaled of each source: the checkpoints, in their order. */
let journaled: Map<number, string[]>;
/** What happened: `read 3 from 1`, `took 3 to 2`. */
let trace: string[];
let room: number;

const files = Array.from({ length: FILES }, (_, i): TranscriptFile => ({
  agent: 'claude',
  path: `/transcripts/${i}.jsonl`,
  session_id: `session-${i}`,
  subagent_id: null,
  size: 100,
  birth_ms: i,
  mtime_ms: 0,
}));

const source: AgentSource = {
  agent: 'claude',
  places: () => [],
  discover: async () => ({ files, problems: [] }),
  read: async ({ path }, checkpoint) => {
    const step = Number(checkpoint ?? 0) + 1;
    trace.push(`read ${path} from ${step - 1}`);
    await setImmediate();
    const events = Array.from({ length: EVENTS }, (_, i) => ({ cursor: `${step}:${i}`, event: {} as never }));
    return {
      events,
      session: null,
      checkpoint: String(step),
      read_bytes: 1024 * 1024,
      more: step < STEPS,
      skipped: {},
      restarted: false,
    };
  },
};

const capture = {
  keepsContent: false,
  cleanName: (name: string) => name,
  prepare: async (unit: CaptureUnit) => unit,
  takeTogether: async (units: readonly CaptureUnit[]) => {
    expect(new Set(units.map(({ source_id }) => source_id)).size).toBe(units.length);
    for (let turn = 0; turn <= units.length; turn++) await setImmediate();
    if (room < units.length) throw new FullError('no room');
    room -= units.length;
    for (const { source_id, checkpoint } of units) {
      trace.push(`took ${files[source_id]?.path} to ${checkpoint}`);
      journaled.set(source_id, [...(journaled.get(source_id) ?? []), checkpoint]);
    }
    return { appended: units.length * EVENTS, copies: 0, excluded: 0 };
  },
} as unknown as Capture;

const store = {
  openSources: async (_stream: string, names: readonly string[]) =>
    names.map((name, source_id) => ({ source_id, name, checkpoint: null, updated_ms: 0 })),
} as unknown as EngineStore;

function sweep(): TranscriptSweep {
  const clock = { now_ms: () => 10 * 86_400_000, monotonic_ms: () => 0 };
  return new TranscriptSweep({ capture, store, clock, sources: [source], env: {}, report: () => undefined });
}

beforeEach(() => {
  journaled = new Map();
  trace = [];
  room = Infinity;
});

test('takes every step of every file once, in order, and counts all of them', async () => {
  const { appended, full } = await sweep().sweep(new AbortController().signal, () => undefined);
  expect({ appended, full }).toEqual({ appended: FILES * STEPS * EVENTS, full: false });
  const steps = Array.from({ length: STEPS }, (_, i) => String(i + 1));
  expect([...journaled].sort(([a], [b]) => a - b)).toEqual(files.map((_, i) => [i, steps]));
});

test('reads no further in a file before its last step is journaled: a kill lets one step be read again (P7)', async () => {
  await sweep().sweep(new AbortController().signal, () => undefined);
  for (const { path } of files)
    for (let step = 1; step < STEPS; step++)
      expect(trace.indexOf(`took ${path} to ${step}`)).toBeLessThan(trace.indexOf(`read ${path} from ${step}`));
});

test('a full journal ends it, with nobody left waiting, and nothing counts that was not taken', async () => {
  room = 30;
  const { appended, full } = await sweep().sweep(new AbortController().signal, () => undefined);
  const taken = [...journaled.values()].flat().length;
  expect({ appended, full }).toEqual({ appended: taken * EVENTS, full: true });
});

test('ends when it is told to', async () => {
  const stop = new AbortController();
  const sweeping = sweep().sweep(stop.signal, () => stop.abort());
  stop.abort();
  expect((await sweeping).appended).toBeLessThan(FILES * STEPS * EVENTS);
});
