/**
 * Makes a clone ready: installs the locked dependencies when they are missing or the lock changed, and bundles the hook.
 * Plain JavaScript for whatever Node the machine has, because the pinned one (node_modules/node) comes with the install.
 * A second call does nothing and touches no network (R29).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const pinnedNode = join(root, 'node_modules', 'node', 'bin', 'node');
/** What the program is run with; bin/syncline, which says why, passes the same. */
export const nodeFlags = ['--no-memory-protection-keys', '--max-semi-space-size=8', '--heap-growing-percent=20'];
const stampFile = join(root, 'node_modules', '.syncline-lock');

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function installed() {
  return existsSync(pinnedNode) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockDigest();
}

function run(command, args, failure) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (result.status === 0) return;
  process.stderr.write(result.stderr ?? '');
  process.stderr.write(`${failure}\n`);
  process.exit(3);
}

export function setUp() {
  if (!installed()) {
    process.stderr.write('First run: installing the locked dependencies into ./node_modules (npm ci), about 15 s\n');
    const npm = process.env.npm_execpath;
    const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
    run(
      command,
      [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
      'npm ci failed; is the npm registry reachable?',
    );
    mkdirSync(dirname(stampFile), { recursive: true });
    writeFileSync(stampFile, lockDigest());
  }
  run(pinnedNode, [join(root, 'scripts', 'bundle-hook.mjs')], 'bundling the hook failed');
}

/** Runs a program of ours on the pinned Node, hands signals on, and ends as it ended. */
export async function hand(args) {
  const { spawn } = await import('node:child_process');
  const child = spawn(pinnedNode, args, { cwd: process.env.INIT_CWD ?? root, stdio: 'inherit', env: process.env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  endWithNpm(child);
  child.on('exit', (code, signal) =>
    process.exit(signal ? 128 + ({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal] ?? 0) : (code ?? 70)),
  );
}

/** npm passes SIGINT and SIGTERM on, but nothing when it is hung up or killed: then its process is simply no more. */
function endWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const npm = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, 500);
  watch.unref();
}
