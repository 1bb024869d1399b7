/**
 * `npm test`: set-up if needed, then every check and every test. Flags after `--` go to vitest.
 *
 * A test file whose process died of SIGSEGV is run again, at most twice, and this is said (docs/decisions/0020: Node
 * itself crashed). A test that fails is never run again, nor a file that ends in any other way.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinnedNode, root, setUp } from './setup.mjs';

const RUNS_AFTER_CRASH = 2;

setUp();
const folder = mkdtempSync(join(tmpdir(), 'syncline-crashes-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const crashes_file = join(folder, 'crashes.json');
const env = {
  ...process.env,
  PATH: `${join(root, 'node_modules', 'node', 'bin')}:${process.env.PATH}`,
  SYNCLINE_TEST_CRASHES: crashes_file,
};

function run(...args) {
  return spawnSync(pinnedNode, args, { cwd: root, stdio: 'inherit', env }).status ?? 70;
}

/** Runs tests; the files that must be run again because their process crashed and nothing else failed. */
function runTests(args) {
  rmSync(crashes_file, { force: true });
  const status = run(
    ...['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=./scripts/crashed-files.mjs'],
    ...args,
  );
  if (status === 0 || !existsSync(crashes_file)) return { status, crashed: [] };
  const { crashed, only_crashes } = JSON.parse(readFileSync(crashes_file, 'utf8'));
  return { status, crashed: only_crashes ? crashed : [] };
}

/** What the kernel noted, for whoever looks for the cause; not every machine lets us read it. */
function kernelNotes() {
  const { stdout } = spawnSync('dmesg', [], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => line.includes('segfault') || line.includes('traps:'))
    .slice(-5)
    .join('\n');
}

console.error('> types, lint, format, import rules, ReDoS');
const checked = run('scripts/check.mjs');
if (checked !== 0) process.exit(checked);
console.error('> tests');
let { status, crashed } = runTests(process.argv.slice(2));
for (let again = 1; again <= RUNS_AFTER_CRASH && crashed.length > 0; again++) {
  console.error(`> ${crashed.length} test files again: their process died of SIGSEGV\n${kernelNotes()}`);
  ({ status, crashed } = runTests(crashed));
}
process.exit(status);
