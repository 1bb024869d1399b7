import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { Machine, REPOSITORY } from '../../support/machine.ts';

test('the demo plays its scene, decides a conflict, leaves both sides in step and removes everything', async () => {
  await using machine = new Machine();
  // PostgreSQL never runs as root: whoever it runs as reaches no home of ours.
  const options = { cwd: REPOSITORY, env: { TMPDIR: tmpdir() } };
  const demo = machine.program(process.execPath, ['scripts/demo-records.ts', '--once'], options);
  const { exit, stdout, stderr } = await demo.ended();
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(stdout).toMatch(/A-1 +Northwind Bakery, 555-TABLE +Northwind Bakery, 555-FORCE +≠/);
  expect(stdout).toMatch(/A-1 +Northwind Bakery, 555-TABLE +Northwind Bakery, 555-TABLE\n/);
  expect(stdout).toContain('nothing of it is left');
});
