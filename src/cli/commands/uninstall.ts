/** `uninstall`: nothing of ours runs afterwards or stands in another program's file; what is left is named. */
import { existsSync } from 'node:fs';
import { CONNECTABLE, carryOut, planDisconnect } from '../../agents/connect/connections.ts';
import { stateOf, removeState } from '../../runtime/state-files.ts';
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes } from '../format/bytes.ts';
import { safe } from '../format/safe.ts';
import type { Invocation } from '../invocation.ts';
import { confirmed } from '../prompts.ts';
import { shortPath } from '../screen/short-path.ts';
import { sayPlan, shownPlan } from './agents.ts';
import { stopRunning } from './stop.ts';

/**
 * Stops what runs, takes hooks and memory server out of the agents by our mark, and says what it leaves. `--purge` also deletes the
 * state, after a question of its own. Exit 1 when a file could not be read, and so is as it was.
 */
export async function uninstall(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const [purge, dry_run] = [invocation.flag('purge'), invocation.flag('dryRun')];
  const plan = planDisconnect(context.host.env, CONNECTABLE);
  sayPlan(context, plan);
  if (!dry_run && !(await confirmed(context, 'Stop Syncline here, and take it out of the agents?'))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const stopped = dry_run ? null : await stopRunning(context);
  if (!dry_run) for (const change of plan.changes) carryOut(change);
  if (stopped !== null) context.say(`Stopped process ${stopped}.`);
  if (!dry_run) context.say(plan.changes.length > 0 ? 'Nothing of ours is in the agents any more.' : NOTHING_IN_AGENTS);
  const deleted = purge && !dry_run && (await purgeState(context));
  const left = leftOvers(context);
  if (context.options.json)
    context.printJson('syncline.uninstall/1', { dry_run, stopped, ...shownPlan(plan), deleted, left });
  for (const { path, what } of left) context.say(`Left: ${pathText(context, path)}   ${what}`);
  if (dry_run) context.say('Nothing was changed.');
  return plan.problems.length > 0 ? EXIT.no : EXIT.ok;
}

const NOTHING_IN_AGENTS = 'Nothing of ours was in the agents.';

/** @throws LockedError when another command works on the directory */
async function purgeState(context: CommandContext): Promise<boolean> {
  const { home } = context.paths();
  const { bytes, files } = stateOf(home);
  if (files.length === 0) return false;
  const question = `Delete the state in ${pathText(context, home)} (${formatBytes(bytes)}: conversations, telemetry, memories, keys)? It does not come back.`;
  if (!(await confirmed(context, question))) return false;
  removeState(home);
  context.say(`Deleted ${formatBytes(bytes)}.`);
  return true;
}

interface LeftOver {
  path: string;
  what: string;
}

function leftOvers(context: CommandContext): LeftOver[] {
  const { home, config_file } = context.paths();
  const left: LeftOver[] = [];
  const { bytes, files, others } = stateOf(home);
  if (files.length > 0)
    left.push({ path: home, what: `the state, ${formatBytes(bytes)}; syncline uninstall --purge deletes it` });
  if (existsSync(config_file)) left.push({ path: config_file, what: 'the configuration' });
  const foreign = others.filter((path) => path !== config_file);
  for (const path of foreign) left.push({ path, what: 'not made by this command line, or of another profile' });
  const { program } = context.host;
  if (program !== '') left.push({ path: program, what: 'the program' });
  return left;
}

function pathText(context: CommandContext, path: string): string {
  return safe(shortPath(path, context.host.user_home));
}
