import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { invariant } from '../../platform/errors.ts';
import type { PositionedEvent, ReadLimits, ReadStep, TranscriptCheckpoint, TranscriptFile } from '../source.ts';
import { decodeCheckpoint, encodeCheckpoint, newCheckpoint, type Checkpoint } from './checkpoint.ts';
import { isObject } from './field.ts';
import { isSameFile, isUntouched, markFile, readRange } from './file-mark.ts';
import { Interpreter } from './interpreter.ts';
import { chainLineOf, messageOf, type ChainLine, type LineSpan } from './line.ts';
import { readLines } from './line-reader.ts';
import { detailOf, messageIdOf, responseEvent, type Response, type ResponseDetail } from './response.ts';
import type { SessionTracker } from './session.ts';
import { RESPONSE_IDLE_MS } from './response-window.ts';
import { withTranscript } from './transcript-file.ts';

interface StepInput {
  file: TranscriptFile;
  handle: FileHandle;
  stat: BigIntStats;
  limits: ReadLimits;
  now_ms: number;
}

/**
 * One bounded step over one transcript. Without new bytes it still emits responses whose lines stopped coming a minute
 * ago, and returns the very checkpoint it was given when there is nothing to keep.
 */
export async function readTranscript(
  file: TranscriptFile,
  checkpoint: TranscriptCheckpoint | null,
  limits: ReadLimits,
  now_ms: number,
): Promise<ReadStep> {
  return withTranscript(file.path, async (handle, stat) => {
    const input = { file, handle, stat, limits, now_ms };
    const before = checkpoint === null ? null : decodeCheckpoint(checkpoint);
    if (before?.mark && (await isSameFile(handle, stat, before.mark, before.position))) {
      const step = await takeStep(input, before);
      if (step !== null) return step.checkpoint === checkpoint ? { ...step, checkpoint } : step;
    }
    const step = await takeStep(input, newCheckpoint(file.birth_ms));
    invariant(step !== null, 'a first step holds no lines of an earlier one');
    return { ...step, restarted: checkpoint !== null };
  });
}

/** Reads on from `before`, which it changes. Null when lines that it holds are no longer what they were. */
async function takeStep(input: StepInput, before: Checkpoint): Promise<ReadStep | null> {
  const { handle, stat, limits, now_ms } = input;
  const { state, position: from } = before;
  const interpreter = new Interpreter(
    { ...input.file, birth_ms: before.birth_ms },
    state,
    limits.without_content === true,
  );
  const range = { from, file_size: Number(stat.size), limits };
  const read = await readLines(handle, range, (buffer, start, end, offset) => {
    interpreter.takeLine(buffer, start, end, offset);
  });
  if (read.oversize > 0) interpreter.skipped['oversize'] = read.oversize;

  // While more is to come, the next lines tell better than the clock whether a response is over.
  const due = state.responses.takeDue(read.more ? null : now_ms - RESPONSE_IDLE_MS);
  const responses = await emitResponses(handle, due);
  if (responses === null || !(await recallTitle(handle, interpreter.session))) return null;

  const unmoved = read.position.offset === from.offset;
  const mark =
    unmoved && before.mark !== null && isUntouched(before.mark, stat)
      ? before.mark
      : await markFile(handle, stat, read.position.offset, now_ms);
  const held_until_ms = state.responses.nextIdle_ms();
  if (limits.without_content === true) for (const { event } of responses) event.content = null;
  return {
    events: [...interpreter.events, ...responses],
    session: interpreter.session.told(),
    checkpoint: encodeCheckpoint({ ...before, mark, position: read.position }, limits.cleanName),
    read_bytes: read.position.offset - from.offset,
    more: read.more,
    skipped: interpreter.skipped,
    restarted: false,
    ...(held_until_ms === null ? {} : { due_ms: held_until_ms }),
  };
}

async function emitResponses(handle: FileHandle, due: readonly Response[]): Promise<PositionedEvent[] | null> {
  const events: PositionedEvent[] = [];
  for (const response of due) {
    response.detail ??= await readDetail(handle, response);
    if (response.detail === null) return null;
    response.emitted_at = response.changed_at;
    // The line that changed it and the response: a later, greater figure gets a cursor of its own.
    const cursor = `${response.changed_at}:r${response.first_offset}`;
    events.push({ cursor, event: responseEvent(response, response.detail) });
  }
  return events;
}

/** What a response of an earlier step said, from its own lines. Null when they are not there any more. */
async function readDetail(handle: FileHandle, response: Response): Promise<ResponseDetail | null> {
  const lines = [];
  for (const span of response.pieces) {
    const line = await readLineAgain(handle, span);
    const message = line === null ? null : messageOf(line);
    if (line === null || message === null || messageIdOf(message) !== response.message_id) return null;
    lines.push({ line, message });
  }
  return detailOf(lines);
}

/** Completes the session with a title that stood before anything was said. False when its line is not there any more. */
async function recallTitle(handle: FileHandle, session: SessionTracker): Promise<boolean> {
  const span = session.takeUntoldTitle();
  if (span === null) return true;
  const line = await readLineAgain(handle, span);
  if (line !== null) session.recallTitle(line);
  return line !== null;
}

/** A line of an earlier step, or null when the file was rewritten under our hands: the caller then starts again. */
async function readLineAgain(handle: FileHandle, { offset, length }: LineSpan): Promise<ChainLine | null> {
  const text = (await readRange(handle, offset, length)).toString('utf8');
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? chainLineOf(body) : null;
  } catch {
    return null;
  }
}
