import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { BareLoopFigures, BareLoopInput } from './bare-loop-process.ts';
import type { CaptureFigures, CaptureInput } from './capture-process.ts';
import { writeTranscriptCorpus } from './transcript-corpus.ts';

const CAPTURE = new URL('./capture-process.ts', import.meta.url);
const BARE_LOOP = new URL('./bare-loop-process.ts', import.meta.url);

/**
 * The whole road on one machine: transcript files are read, interpreted, owned, hashed, redacted, folded into spans and
 * sessions, journaled, delivered and stored. The reference moves the very items that this produces, ready made, from one
 * process to another. Both are counted by agent events; the spans and sessions that come of them are carried by both.
 */
export async function captureComparison({ folder, quick, progress }: SuiteOptions): Promise<Comparison> {
  const { claude_config_dir, files, bytes } = writeTranscriptCorpus(folder, {
    seed: 1,
    sessions: quick ? 5 : 200,
    prompts: quick ? 5 : 14,
  });
  progress(`corpus: ${files} transcripts, ${Math.round(bytes / 1e6)} MB`);
  const items_file = join(folder, 'items.jsonl');

  const capture = async (export_to: string | null): Promise<CaptureFigures> => {
    const home = mkdtempSync(join(folder, 'capture-'));
    const input: CaptureInput = { home, claude_config_dir, export_to };
    const node_flags = programFlags();
    const figures = await measureInProcess<CaptureFigures>({ script: CAPTURE, input, home, node_flags });
    rmSync(home, { recursive: true });
    return figures;
  };
  const { events } = await capture(items_file);
  const loop = async (): Promise<number> => {
    const own = mkdtempSync(join(folder, 'bare-'));
    const input: BareLoopInput = { folder: own, items_file };
    const { seconds } = await measureInProcess<BareLoopFigures>({ script: BARE_LOOP, input, home: own });
    rmSync(own, { recursive: true });
    return seconds;
  };
  return {
    name: 'capture to store: agent events read from Claude transcripts until they and their spans and sessions are stored',
    unit: 'events/s',
    referenceName:
      'bare loop of the same items: stringify + gzip 1, undici, 4 × 500 in flight, node:http, gunzip, parse, one FULL transaction of unique rows, 200',
    goal: { at_least: 0.4, of: 'ratio' },
    rounds: quick ? 1 : 5,
    measure: inTurn(
      async () => events / (await capture(null)).seconds,
      async () => events / (await loop()),
    ),
  };
}
