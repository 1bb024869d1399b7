import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../platform/errors.ts';
import { TranscriptSweep } from '../telemetry/capture/transcript-sweep.ts';
import { AGENT_SOURCES } from '../agents/registry.ts';
import type { DataDirectory } from './data-directory.ts';
import type { ImportResult } from './operator.ts';

/** Reads the transcripts below a folder, or in the agent's own places, into the journal now. */
export async function importTranscripts(
  directory: DataDirectory,
  { path, agent }: { path: string | null; agent: string },
): Promise<ImportResult> {
  const source = AGENT_SOURCES.find((known) => known.agent === agent);
  if (!source)
    throw new UsageError('agent.unknown', `Transcripts of ${agent} cannot be imported in this version`, {
      hint: `Known: ${AGENT_SOURCES.map((known) => known.agent).join(', ')}.`,
    });
  if (path !== null && !existsSync(path))
    throw new UsageError('import.missing', 'There is no such folder', {
      field: 'path',
      hint: 'Give the folder that holds the transcripts.',
    });
  const { capture, engine, options } = directory;
  const skipped_before = (await engine.counters())['skipped'] ?? {};
  const places =
    path === null
      ? source.places(options.env)
      : [{ agent: source.agent, path: resolve(path), because: 'import', exists: true }];
  const sweep = new TranscriptSweep({
    capture,
    store: engine,
    clock: options.clock,
    sources: [
      {
        agent: source.agent,
        places: () => places,
        discover: (p) => source.discover(p),
        read: (...args) => source.read(...args),
      },
    ],
    env: options.env,
    report: ({ message }) => options.report(message, { agent }),
  });
  const { appended } = await sweep.sweep(new AbortController().signal);
  const [figures] = sweep.figures();
  const skipped_now = (await engine.counters())['skipped'] ?? {};
  const skipped = Object.fromEntries(
    Object.entries(skipped_now)
      .map(([reason, count]) => [reason, count - (skipped_before[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
  return { files: figures?.files ?? 0, sessions: figures?.sessions ?? 0, new_entries: appended, skipped };
}
