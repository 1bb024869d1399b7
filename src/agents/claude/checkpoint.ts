import type { TranscriptCheckpoint } from '../source.ts';
import type { FileMark } from './file-mark.ts';
import type { LinePosition } from './line-reader.ts';
import { newTranscriptState, type TranscriptState } from './interpreter.ts';
import type { OwnershipEvidence } from './rank.ts';
import type { Response } from './response.ts';
import { ResponseWindow } from './response-window.ts';
import type { SessionMemory } from './session.ts';
import { ToolCalls, type OpenCall } from './tool-calls.ts';

/** Raised when its meaning changes: a file whose checkpoint has another version is read again from the start. */
const VERSION = 1;

/**
 * How far a file was read and what is still needed of the lines before. Rests in our database, so it holds nothing that
 * was said: of a held response it has the positions of its lines, not their text.
 */
export interface Checkpoint {
  /** As first seen, since file systems without birth times answer the time of the last change. */
  birth_ms: number;
  /** Null before the first step. */
  mark: FileMark | null;
  position: LinePosition;
  state: TranscriptState;
}

interface SavedCheckpoint {
  version: number;
  birth_ms: number;
  mark: FileMark | null;
  position: LinePosition;
  evidence: OwnershipEvidence;
  calls: [string, OpenCall][];
  responses: Omit<Response, 'detail'>[];
  session: SessionMemory;
  awaits_summary: boolean;
}

export function newCheckpoint(birth_ms: number): Checkpoint {
  return {
    birth_ms,
    mark: null,
    position: { offset: 0, discarding: false, prefix_crc32: 0 },
    state: newTranscriptState(),
  };
}

export function encodeCheckpoint(
  checkpoint: Checkpoint,
  cleanName: (name: string) => string = (name) => name,
): TranscriptCheckpoint {
  const { birth_ms, mark, position, state } = checkpoint;
  const clean = (name: string | null): string | null => (name === null ? null : cleanName(name));
  const saved: SavedCheckpoint = {
    version: VERSION,
    birth_ms,
    mark,
    position,
    evidence: state.evidence,
    calls: state.calls
      .entries()
      .map(([id, call]) => [id, { ...call, tool: cleanName(call.tool), model: clean(call.model) }]),
    responses: state.responses.responses.map(({ detail: _detail, ...response }) => ({
      ...response,
      model: clean(response.model),
    })),
    session: { ...state.session, model: clean(state.session.model) },
    awaits_summary: state.awaits_summary,
  };
  return JSON.stringify(saved);
}

/** The checkpoint that `text` was made of, or null when it is another version's. */
export function decodeCheckpoint(text: TranscriptCheckpoint): Checkpoint | null {
  let saved: SavedCheckpoint;
  try {
    saved = JSON.parse(text) as SavedCheckpoint;
  } catch {
    return null; // not ours or damaged: reading again from the start is always right
  }
  if (saved.version !== VERSION) return null;
  return {
    birth_ms: saved.birth_ms,
    mark: saved.mark,
    position: saved.position,
    state: {
      evidence: saved.evidence,
      calls: new ToolCalls(saved.calls),
      responses: new ResponseWindow(saved.responses.map((response) => ({ ...response, detail: null }))),
      session: saved.session,
      awaits_summary: saved.awaits_summary,
    },
  };
}
