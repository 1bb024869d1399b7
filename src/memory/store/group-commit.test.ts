import { afterEach, expect, test } from 'vitest';
import { MemoryMember, NOW, ann } from '../../../test/support/memory-member.ts';
import type { Clock } from '../../platform/clock.ts';

const open: MemoryMember[] = [];
afterEach(async () => {
  for (const member of open.splice(0)) await member.close();
});

/** Stores a hundred at once on a clock that goes on by so much with each look; how many commits that took. */
async function commitsOfMany(step_ms: number): Promise<number> {
  let ms = 0;
  const clock: Clock = { now_ms: () => NOW, monotonic_ms: () => (ms += step_ms) };
  const member = new MemoryMember('a', ':memory:', { clock });
  open.push(member);
  let commits = 0;
  member.replica.onCommit(() => commits++);
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  const written = await Promise.all(
    numbers.map((i) => member.memories.store({ title: `t${i}`, content: 'text' }, ann)),
  );
  expect(written.map(({ operations }) => operations[0])).toEqual(numbers.map((i) => `a.1:${i + 1}`));
  expect(await member.memories.count({})).toBe(100);
  return commits;
}

test('all who wait are written with one commit', async () => {
  expect(await commitsOfMany(0)).toBe(1);
});

test('a group that has worked for longer than a commit takes ends, and the others come with the next ones in their order', async () => {
  const commits = await commitsOfMany(1);
  // The clock is looked at from the thirty-second on.
  expect(commits).toBe(3);
});

test('where a commit takes long, one group takes all', async () => {
  let ms = 0;
  let slow = true;
  const clock: Clock = { now_ms: () => NOW, monotonic_ms: () => (ms += slow ? 1000 : 1) };
  const member = new MemoryMember('a', ':memory:', { clock });
  open.push(member);
  await member.store('the first tells how long a commit takes');
  slow = false;
  let commits = 0;
  member.replica.onCommit(() => commits++);
  const titles = Array.from({ length: 100 }, (_, i) => `t${i}`);
  await Promise.all(titles.map((title) => member.store(title)));
  expect(commits).toBe(1);
});
