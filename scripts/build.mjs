/** `npm run build`: compiles src to dist for publishing, copies what is not code, bundles the hook. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pinnedNode, root } from './setup.mjs';

const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

function run(...args) {
  const { status } = spawnSync(pinnedNode, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 70);
}

run('node_modules/typescript-native/bin/tsc', '-p', 'tsconfig.build.json');
// Migrations, the bundled sample and the .proto of Salesforce are read beside the code that uses them.
cpSync(join(root, 'src'), dist, {
  recursive: true,
  filter: (path) =>
    !relative(root, path).includes('fixtures') && (!/\.[a-z]+$/.test(path) || /\.(sql|jsonl|proto)$/.test(path)),
});
chmodSync(join(dist, 'cli', 'main.js'), 0o755);
run('scripts/bundle-hook.mjs');
