import { isObject } from './field.ts';
import { readRange } from './file-mark.ts';
import { chainLineOf, type ChainLine } from './line.ts';
import { peekLineType, useOfLineType } from './line-type.ts';
import { withTranscript } from './transcript-file.ts';
import type { TranscriptFile } from '../source.ts';

/** A fork copies the whole chain, so its beginning shows it (§2.8). */
const OPENING_BYTES = 64 * 1024;
const NEWLINE = 10;
/** Enough for the first line, mostly. */
const FIRST_LINE_BYTES = 4 * 1024;
/** The first line may be a prompt with pictures. */
const MAX_OPENING_BYTES = 4 * 1024 * 1024;

/** How a transcript begins. */
export interface Opening {
  /** `uuid`s of the chain in the part that was looked at; copies keep them. At least one. */
  uuids: string[];
  /**
   * How many of them stand before the first line without `uuid` that comes after a line of the chain: forks never copy
   * those, so that much of the chain grew in this file. Null when no such line was seen.
   */
  grew_after: number | null;
  /** The session that the first line says it is of; copies of older versions keep it, others do not. */
  session_id: string | null;
  /** The first line was written by a background process, which stamps copies. */
  background: boolean;
}

/** `uuid` of the first line of the chain, or null where `openingOf` would be. */
export async function firstUuidOf(path: string): Promise<string | null> {
  return (await openingIn(path, FIRST_LINE_BYTES, 1))?.uuids[0] ?? (await openingOf(path))?.uuids[0] ?? null;
}

/** How a main transcript begins, or null when it has no line of the chain yet or cannot be read. */
export function openingOf(path: string): Promise<Opening | null> {
  return openingIn(path, OPENING_BYTES, Infinity);
}

async function openingIn(path: string, least_bytes: number, most_lines: number): Promise<Opening | null> {
  try {
    return await withTranscript(path, async (handle, stat) => {
      let bytes = await readRange(handle, 0, least_bytes);
      const cut_off = !bytes.includes(NEWLINE) && Number(stat.size) > least_bytes;
      if (cut_off) bytes = await readRange(handle, 0, MAX_OPENING_BYTES);
      return openingOfLines(bytes.toString('utf8').split('\n').slice(0, -1), most_lines);
    });
  } catch {
    return null; // gone or unreadable: it tells nothing of others; reading the session itself says why
  }
}

/**
 * Which of these files, all beginning with the same line, is the one the others were copied from. Evidence in the order
 * of §2.8: the id that older copies kept, no background stamp, lines that no fork copies inside the part they share, the
 * earlier birth, the smaller id.
 */
export function originalOf(files: readonly { file: TranscriptFile; opening: Opening }[]): TranscriptFile | null {
  const shared = sharedLength(files.map(({ opening }) => opening.uuids));
  const rank = ({ file, opening }: { file: TranscriptFile; opening: Opening }): number => {
    const kept_older_id = opening.session_id !== null && opening.session_id !== file.session_id;
    const grew_here = opening.grew_after !== null && opening.grew_after < shared;
    return (kept_older_id ? 4 : 0) + (opening.background ? 2 : 0) + (grew_here ? 0 : 1);
  };
  const [first] = files.toSorted(
    (a, b) =>
      rank(a) - rank(b) || a.file.birth_ms - b.file.birth_ms || (a.file.session_id < b.file.session_id ? -1 : 1),
  );
  return first?.file ?? null;
}

/** `most_lines`: of the chain. */
function openingOfLines(lines: readonly string[], most_lines: number): Opening | null {
  const opening: Opening = { uuids: [], grew_after: null, session_id: null, background: false };
  for (const text of lines) {
    const type = peekLineType(text.slice(0, 1024));
    if (type !== null && useOfLineType(type) === 'bookkeeping') {
      if (opening.uuids.length > 0) opening.grew_after ??= opening.uuids.length;
      continue;
    }
    const line = chainLineIn(text);
    if (line === null || line.uuid === null) continue;
    if (opening.uuids.length === 0)
      Object.assign(opening, { background: line.background, session_id: line.session_id });
    opening.uuids.push(line.uuid);
    if (opening.uuids.length >= most_lines) break;
  }
  return opening.uuids.length === 0 ? null : opening;
}

function chainLineIn(text: string): ChainLine | null {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? chainLineOf(body) : null;
  } catch {
    return null; // a damaged line
  }
}

/** How many `uuid`s all begin with. */
function sharedLength(chains: readonly (readonly string[])[]): number {
  const [first = []] = chains;
  let length = 0;
  while (length < first.length && chains.every((chain) => chain[length] === first[length])) length++;
  return length;
}
