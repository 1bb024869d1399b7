import { expect, test } from 'vitest';
import { FullError, SynclineError } from '../../platform/errors.ts';
import type { CaptureResult } from './capture.ts';
import type { PreparedUnit } from './prepared-unit.ts';
import { UnitGroup, type WaitingUnit } from './unit-group.ts';

/** A capture that journals every group without the sources in `bad`. */
class ScriptedCapture {
  readonly bad = new Map<number, Error>();
  readonly groups: number[][] = [];

  async takeTogether(units: readonly PreparedUnit[]): Promise<CaptureResult> {
    for (const { source_id } of units) {
      const error = this.bad.get(source_id);
      if (error) throw error;
    }
    this.groups.push(units.map(({ source_id }) => source_id));
    return { appended: units.length, copies: 0, excluded: 0 };
  }
}

const fate: string[] = [];

function waiting(source_id: number, read_bytes = 0): WaitingUnit {
  return {
    unit: { source_id, events: [], session: null, session_ended_ms: null, checkpoint: 'end', skipped: {} },
    read_bytes,
    taken: () => fate.push(`${source_id} taken`),
    failed: ({ code }) => fate.push(`${source_id} ${code}`),
  };
}

function groupOf(capture: ScriptedCapture, count: number): UnitGroup {
  fate.length = 0;
  const group = new UnitGroup(capture);
  for (let source_id = 1; source_id <= count; source_id++) group.add(waiting(source_id));
  return group;
}

test('what was gathered is taken at once, and once', async () => {
  const capture = new ScriptedCapture();
  const group = groupOf(capture, 3);
  expect([await group.take(), await group.take()]).toEqual([3, 0]);
  expect(capture.groups).toEqual([[1, 2, 3]]);
  expect(fate).toEqual(['1 taken', '2 taken', '3 taken']);
});

test('a unit that cannot be taken costs the others of its group nothing', async () => {
  const capture = new ScriptedCapture();
  capture.bad.set(2, new SynclineError('storage.write', 'no'));
  expect(await groupOf(capture, 3).take()).toBe(2);
  expect(fate).toEqual(['1 taken', '2 storage.write', '3 taken']);
});

test('a full journal takes nothing of a group and forgets it, so that all of it is read again', async () => {
  const capture = new ScriptedCapture();
  capture.bad.set(2, new FullError('no room'));
  const group = groupOf(capture, 3);
  await expect(group.take()).rejects.toThrow(FullError);
  expect([fate, await group.take()]).toEqual([[], 0]);
});

test('a defect is no reason to try units one by one', async () => {
  const capture = new ScriptedCapture();
  capture.bad.set(1, new TypeError('a defect'));
  await expect(groupOf(capture, 2).take()).rejects.toThrow(TypeError);
  expect(capture.groups).toEqual([]);
});

test('a group is full at what one transaction may hold, whatever its units are like', () => {
  const group = new UnitGroup(new ScriptedCapture());
  group.add(waiting(1, 2 ** 22 - 1));
  expect(group.isFull).toBe(false);
  group.add(waiting(2, 1));
  expect(group.isFull).toBe(true);
});
