import { expect, it } from 'vitest';
import { STATUS } from '../../../test/support/cli-host.ts';
import type { StatusReport } from '../../runtime/operator.ts';
import { ReadingProgress } from './reading-progress.ts';

const at = (read_bytes: number): StatusReport => ({
  ...STATUS,
  sources: [{ ...STATUS.sources[0]!, bytes: 1_000, read_bytes }],
});

it('tells the time left from the speed so far, once there is one', () => {
  let now_ms = 0;
  const progress = new ReadingProgress({ now_ms: () => 0, monotonic_ms: () => now_ms }, at(100));
  now_ms = 1_000;
  progress.update(at(200));
  expect(progress.remaining_ms()).toBeNull();
  now_ms = 3_000;
  progress.update(at(400));
  expect(progress.remaining_ms()).toBe(6_000);
});

it('goes on until all is read, or nothing has moved for half a minute', () => {
  let now_ms = 0;
  const progress = new ReadingProgress({ now_ms: () => 0, monotonic_ms: () => now_ms }, at(0));
  expect(progress.goesOn()).toBe(true);
  now_ms = 29_000;
  progress.update(at(999));
  now_ms = 58_000;
  progress.update(at(999));
  expect(progress.goesOn()).toBe(true);
  now_ms = 60_000;
  expect(progress.goesOn()).toBe(false);
  progress.update(at(1_000));
  expect(progress.goesOn()).toBe(false);
});
