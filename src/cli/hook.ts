/**
 * The entry of `syncline telemetry hook --agent claude`, run by an agent once for each of its events and bundled into
 * one file without a library. It prints nothing, exits 0 whatever happens, waits for nothing and sends nothing: it
 * appends one redacted line to the spool (R9).
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { systemClock, type Clock } from '../platform/clock.ts';
import { systemTimers } from '../platform/timers.ts';
import { parseSalt } from '../redaction/hash-forms.ts';
import { smallHashing } from '../redaction/small-hashing.ts';
import { buildRecord } from '../telemetry/hooks/build-record.ts';
import { readInput, type HookInput } from '../telemetry/hooks/input.ts';
import type { HookAgent } from '../telemetry/hooks/payload.ts';
import { appendRecord, countDrop, SPOOL_CAP_BYTES } from '../telemetry/hooks/spool-writer.ts';

const INPUT_LIMITS = { max_bytes: 1024 * 1024, max_idle_ms: 60, max_total_ms: 250 };

/** Wall time for both: the first look at `performance` costs 0.8 ms of a process that lives for ten. */
const clock: Clock = { now_ms: () => systemClock.now_ms(), monotonic_ms: () => systemClock.now_ms() };

async function main(): Promise<void> {
  const home = stateFolder();
  // Never set up, or uninstalled while the agent's line is still there: nothing to do, and nothing to create.
  if (!existsSync(home)) return;
  const spool_dir = join(home, 'spool');
  const input = await readInput(process.stdin, systemTimers, INPUT_LIMITS);
  if (input.bytes === 0) return;
  try {
    if (keep(input, home, spool_dir)) return;
  } catch {
    // Whatever went wrong, the event is lost, and a lost event is counted.
  }
  countDrop(spool_dir);
}

/** False when the event cannot be kept: no salt, no JSON object, or the spool is full. */
function keep(input: HookInput, home: string, spool_dir: string): boolean {
  const salt = saltIn(home);
  const { payload } = input;
  if (salt === null || payload === null) return false;
  const settings = settingsIn(home);
  const record = buildRecord(
    { ...input, payload },
    {
      declared: declaredAgent(process.argv),
      clock,
      hashing: smallHashing(),
      salt,
      content: settings.content,
      private: process.env['SYNCLINE_PRIVATE'] === '1',
    },
  );
  return appendRecord(spool_dir, record, settings.spool_cap_bytes);
}

/** As `config/paths.ts` resolves it, without flags: `$SYNCLINE_HOME`, else `$XDG_DATA_HOME/syncline`, else below home. */
function stateFolder(): string {
  const { SYNCLINE_HOME, XDG_DATA_HOME, HOME } = process.env;
  if (SYNCLINE_HOME) return resolve(SYNCLINE_HOME);
  const data = XDG_DATA_HOME && isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : join(HOME || homedir(), '.local', 'share');
  return join(data, 'syncline');
}

/** The salt in force: the daemon leaves it in `hook-salt` (the team's, once joined); the machine's own is `salt`. */
function saltIn(home: string): Uint8Array | null {
  const text = readIfThere(join(home, 'keys', 'hook-salt')) ?? readIfThere(join(home, 'keys', 'salt'));
  return text === null ? null : parseSalt(text);
}

interface HookSettings {
  content: 'none' | 'redacted';
  spool_cap_bytes: number;
}

/** What the daemon left in `hook.json`. Content is kept only when it says so word for word. */
function settingsIn(home: string): HookSettings {
  try {
    const stored = JSON.parse(readIfThere(join(home, 'hook.json')) ?? '{}') as Record<string, unknown> | null;
    const cap = stored?.['spool_max_bytes'];
    return {
      content: stored?.['content'] === 'redacted' ? 'redacted' : 'none',
      spool_cap_bytes: typeof cap === 'number' && cap > 0 ? cap : SPOOL_CAP_BYTES,
    };
  } catch {
    // A damaged file allows nothing.
    return { content: 'none', spool_cap_bytes: SPOOL_CAP_BYTES };
  }
}

function declaredAgent(argv: readonly string[]): HookAgent {
  const named = argv[argv.indexOf('--agent') + 1];
  return named === 'codex' || named === 'cursor' ? named : 'claude';
}

function readIfThere(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

// The one place where errors end in silence: an agent shows or obeys whatever a hook prints or returns (R9).
const leave = (): never => process.exit(0);
process.on('uncaughtException', leave);
process.on('unhandledRejection', leave);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave);
await main().catch(leave);
leave();
