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
import { loadConfig } from '../config/load.ts';
import { resolvePaths } from '../config/paths.ts';
import { systemClock } from '../platform/clock.ts';
import { AGENT_SOURCES } from '../agents/registry.ts';
import { Database } from '../storage/sqlite/database.ts';
import type { DaemonOptions } from './daemon-options.ts';

const SAMPLE_FOLDER = new URL('./sample-transcripts/', import.meta.url);
/** The newest line of the sample was this long ago when the sample is shown. */
const NEWEST_AGO_MS = 3 * 60_000;

export interface Sample {
  options: Pick<DaemonOptions, 'paths' | 'loaded' | 'env'>;
  /** Removes the temporary home and everything in it. */
  remove(): void;
}

/**
 * Sample mode (R3): when no agent has left a transcript here, the bundled sample is shown, from a temporary home and
 * store that are removed at the end, delivering to no configured destination. Null when there is something real: files
 * of an agent, or what was captured before an agent removed its own (R12).
 */
export async function openSample({ env, paths, loaded }: DaemonOptions): Promise<Sample | null> {
  if (!loaded.config.capture.enabled) return null;
  if (everCaptured(paths) || (await anythingFound(env))) return null;
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
