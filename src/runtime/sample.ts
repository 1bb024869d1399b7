import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadConfig } from '../config/load.ts';
import { resolvePaths, type SynclinePaths } from '../config/paths.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import { systemTimers } from '../platform/timers.ts';
import { writeAtomically } from '../platform/write-file.ts';
import { AGENT_SOURCES } from '../agents/registry.ts';
import { Database } from '../storage/sqlite/database.ts';
import { directoryHolder, lockDirectory } from '../storage/sqlite/lock.ts';
import { beginTeam } from '../telemetry/salts.ts';
import { readDaemonFile, type DaemonFile } from './daemon-file.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { teamSalt } from './destinations.ts';
import { machineSalt, prepareHome, readIfThere, teamBeginning, writeHookSettings } from './home.ts';

const SAMPLE_FOLDER = new URL('./sample-transcripts/', import.meta.url);
/** The newest line of the sample was this long ago when the sample is shown. */
const NEWEST_AGO_MS = 3 * 60_000;

export interface Sample {
  options: Pick<DaemonOptions, 'paths' | 'loaded' | 'env'>;
  /** Removes the temporary home and everything in it. */
  remove(): void;
}

/** How soon after an agent's first transcript the sample makes room for it. */
const LOOK_MS = 1_000;

/**
 * Sample mode (R3): when no agent has left a transcript here, the bundled sample is shown, from a temporary home and
 * store that are removed at the end, delivering to no configured destination. Null when there is something real: files
 * of an agent, what was captured before an agent removed its own (R12), or records to keep in step. The real directory is
 * made ready meanwhile for the agent's hooks, and a team's salt is in force from now on: the first real session is whole,
 * here and there.
 * @throws LockedError when another process holds the real directory; UsageError for a salt that is none.
 */
export async function openSample(real: DaemonOptions): Promise<Sample | null> {
  const { env, paths, loaded } = real;
  if (!loaded.config.capture.enabled) return null;
  // The sample delivers nothing, and these are to be kept in step.
  if ((loaded.config.records?.object.length ?? 0) > 0) return null;
  if (everCaptured(paths) || (await anythingFound(env))) return null;
  makeReady(real);
  const root = mkdtempSync(join(tmpdir(), 'syncline-sample-'));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  const agent_home = join(root, '.claude');
  try {
    layOut(join(agent_home, 'projects'), systemClock.now_ms());
  } catch (error) {
    remove();
    throw error;
  }
  const sample_env = { ...env, HOME: root, CLAUDE_CONFIG_DIR: agent_home, SYNCLINE_HOME: join(root, 'state') };
  const sample_paths = resolvePaths({ env: sample_env, user_home: root, cwd: root });
  const flags = [{ key: 'http.port', flag: '--port', value: loaded.config.http.port }];
  return {
    options: {
      env: sample_env,
      paths: sample_paths,
      loaded: loadConfig({ file: sample_paths.config_file, env: {}, flags }),
    },
    remove,
  };
}

/** Resolves when an agent has left its first transcript, or the signal aborts. */
export async function firstTranscript(env: DaemonOptions['env'], signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await anythingFound(env))) await systemTimers.sleep(LOOK_MS, signal);
}

function makeReady({ env, paths, loaded }: DaemonOptions): void {
  prepareHome(paths);
  const lock = lockDirectory(paths.home, process.pid);
  try {
    const machine = machineSalt(paths, systemRandom);
    const team = teamSalt({ loaded, env });
    if (team) beginTeam(team, systemClock.now_ms(), teamBeginning(paths));
    const { telemetry, storage } = loaded.config;
    const { spool_max_bytes } = storage;
    writeHookSettings(paths, { content: telemetry.content, spool_max_bytes }, team?.bytes ?? machine);
  } finally {
    lock.release();
  }
}

/** Where the process is that shows sample data while the real directory waits: its id, and its temporary home. */
const sampleFile = z.object({ pid: z.int().positive(), home: z.string() });
const pathOf = (paths: SynclinePaths): string => join(paths.home, 'sample.json');

/** Lets other commands of this user find the sample. */
export function announceSample(paths: SynclinePaths, sample: Sample): void {
  const announced: z.infer<typeof sampleFile> = { pid: process.pid, home: sample.options.paths.home };
  writeAtomically(pathOf(paths), `${JSON.stringify(announced)}\n`);
}

export function withdrawSample(paths: SynclinePaths): void {
  rmSync(pathOf(paths), { force: true });
}

/** The daemon that shows sample data to the owner of this directory now; null when none does. */
export function runningSample(paths: SynclinePaths): DaemonFile | null {
  const text = readIfThere(pathOf(paths));
  if (text === null) return null;
  let announced: z.infer<typeof sampleFile>;
  try {
    announced = sampleFile.parse(JSON.parse(text));
  } catch {
    // It names no process: as good as none, and the next sample writes it anew.
    return null;
  }
  const { held, pid } = directoryHolder(announced.home);
  return held && pid === announced.pid ? readDaemonFile(announced, pid) : null;
}

/** Whether the journal ever took something in. */
function everCaptured({ engine_db }: DaemonOptions['paths']): boolean {
  if (!existsSync(engine_db)) return false;
  const db = new Database(engine_db, { read_only: true });
  try {
    const has_journal = db.value<number>(`SELECT count(*) FROM sqlite_schema WHERE name = 'partition'`) > 0;
    return has_journal && db.value<number>('SELECT EXISTS (SELECT 1 FROM partition)') === 1;
  } finally {
    db.close();
  }
}

async function anythingFound(env: DaemonOptions['env']): Promise<boolean> {
  for (const source of AGENT_SOURCES) {
    const { files } = await source.discover(source.places(env));
    if (files.length > 0) return true;
  }
  return false;
}

/** Copies the sample with its times moved, so that it happened today and the days before. */
function layOut(projects: string, now_ms: number): void {
  const source = fileURLToPath(SAMPLE_FOLDER);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.jsonl'));
  const texts = files.map((file) => {
    const text = readFileSync(join(source, file), 'utf8');
    return {
      file,
      text,
      newest_ms: Math.max(...[...text.matchAll(TIMESTAMP)].map(([, time]) => Date.parse(time ?? ''))),
    };
  });
  const shift_ms = now_ms - NEWEST_AGO_MS - Math.max(...texts.map(({ newest_ms }) => newest_ms));
  for (const { file, text, newest_ms } of texts) {
    const target = join(projects, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(
      target,
      text.replace(TIMESTAMP, (_, time: string) => `"timestamp":"${moved(time, shift_ms)}"`),
    );
    // A session whose file did not change for an hour is over; the sample's older ones are.
    const changed_s = (newest_ms + shift_ms) / 1000;
    utimesSync(target, changed_s, changed_s);
  }
}

function moved(time: string, by_ms: number): string {
  return new Date(Date.parse(time) + by_ms).toISOString();
}

const TIMESTAMP = /"timestamp":"([^"]{10,40})"/g;
