/** `npm test`: set-up if needed, then every check and every test. Flags after `--` go to vitest. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pinnedNode, root, setUp } from './setup.mjs';

setUp();
const env = { ...process.env, PATH: `${join(root, 'node_modules', 'node', 'bin')}:${process.env.PATH}` };
for (const [name, args] of [
  ['types, lint, format, import rules, ReDoS', ['scripts/check.mjs']],
  ['tests', ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]],
]) {
  console.error(`> ${name}`);
  const { status } = spawnSync(pinnedNode, args, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 70);
}
