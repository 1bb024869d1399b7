import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SynclineError } from '../../../src/platform/errors.ts';
import { quantile, type Comparison, type Round, type SuiteOptions } from '../../harness.ts';
import { environmentIn, measureInProcess } from '../../measured-process.ts';
import type { BacklogInput } from './backlog-process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PREPARE = new URL('./backlog-process.ts', import.meta.url);

/** What Claude Code hands to a hook after a tool ran. */
const PAYLOAD = JSON.stringify({
  session_id: '6f0c6e0a-1111-4222-8333-944444444444',
  transcript_path: '/home/ada/.claude/projects/-home-ada-shop/6f0c6e0a-1111-4222-8333-944444444444.jsonl',
  cwd: '/home/ada/shop',
  permission_mode: 'default',
  hook_event_name: 'PostToolUse',
  tool_name: 'Bash',
  tool_use_id: 'toolu_01abcdefabcdefabcdefabcd',
  tool_input: { command: 'npm test', description: 'Run the tests' },
  tool_response: { stdout: 'ok\n'.repeat(300), stderr: '', interrupted: false },
});

/** R9: a hook runs once per event of an agent, which waits for it; from outside, by the installed line. */
export async function hookComparison({ folder, quick }: SuiteOptions): Promise<Comparison> {
  bundleHook();
  const home = mkdtempSync(join(folder, 'hook-'));
  const input: BacklogInput = { home, act: 'fill', entries: 0 };
  await measureInProcess({ script: PREPARE, input, home });
  const runs = quick ? 5 : 200;
  return {
    name: `p99 of ${runs} hooks, each from its start by bin/syncline to its exit with a line in the spool`,
    unit: 'ms',
    referenceName: 'p99 of as many empty Node starts, node -e 0, one after each hook',
    goal: { at_most: 2, of: 'ratio' },
    rounds: quick ? 1 : 3,
    measure: async () => measureStarts(home, runs),
  };
}

/** `npm start` and the tests do the same; nothing happens while the bundle is newer than its sources. */
function bundleHook(): void {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'bundle-hook.mjs')], { stdio: 'inherit' });
  if (status !== 0) throw new SynclineError('bench.hook', 'The hook could not be bundled');
}

function measureStarts(home: string, runs: number): Round {
  const env = { ...environmentIn(home), SYNCLINE_HOME: home };
  const hook = (): number => timed(join(ROOT, 'bin', 'syncline'), ['telemetry', 'hook', '--agent', 'claude'], env);
  const empty = (): number => timed(process.execPath, ['-e', '0'], env);
  const hooks: number[] = [];
  const starts: number[] = [];
  for (let run = 0; run < runs; run++) {
    hooks.push(hook());
    starts.push(empty());
  }
  if (!readdirSync(join(home, 'spool')).some((name) => name.endsWith('.jsonl')))
    throw new SynclineError('bench.hook', 'The hook left nothing in the spool');
  return { ours: quantile(hooks, 0.99), reference: quantile(starts, 0.99) };
}

function timed(command: string, args: string[], env: NodeJS.ProcessEnv): number {
  const began_ms = performance.now();
  const { status } = spawnSync(command, args, { input: PAYLOAD, env, stdio: ['pipe', 'ignore', 'inherit'] });
  if (status !== 0) throw new SynclineError('bench.hook', `${command} ended with ${String(status)}`);
  return performance.now() - began_ms;
}
