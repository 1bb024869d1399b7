import { SEGMENT_ORDINALS } from '../../../agents/conversation.ts';
import { DONE, SAID, type Part } from '../message-texts.ts';

/**
 * Ids that hold where their row belongs: a message's id is its session and its ordinal, a document's id is a message's and
 * which part of it. Below 2^53 for 268 million sessions.
 */
const ORDINALS = 2 ** 24;

/** The largest ordinal that an id can hold. */
export const MAX_ORDINAL = ORDINALS - 2;

/** In a document's place instead of an ordinal: the session's title. */
const TITLE_ORDINAL = -1;

/** SQL: the session of a document's id. */
export const SESSION_OF_DOCUMENT = '>> 25';
/** SQL: the session of a message's id. */
export const SESSION_OF_MESSAGE = '>> 24';

export function messageId(session_id: number, ordinal: number): number {
  return session_id * ORDINALS + ordinal + 1;
}

export function ordinalOf(message_id: number): number {
  return (message_id % ORDINALS) - 1;
}

export function sessionOf(message_id: number): number {
  return Math.floor(message_id / ORDINALS);
}

export function documentId(message_id: number, part: Part): number {
  return message_id * 2 + part;
}

export function titleDocumentId(session_id: number): number {
  return documentId(messageId(session_id, TITLE_ORDINAL), SAID);
}

export interface DocumentPlace {
  session_id: number;
  message_id: number;
  /** Null: the title. */
  ordinal: number | null;
  part: Part;
}

export function placeOf(document_id: number): DocumentPlace {
  const message_id = Math.floor(document_id / 2);
  const ordinal = ordinalOf(message_id);
  return {
    session_id: sessionOf(message_id),
    message_id,
    ordinal: ordinal === TITLE_ORDINAL ? null : ordinal,
    part: document_id % 2 === SAID ? SAID : DONE,
  };
}

/** Ids of messages, both ends included. */
export interface MessageRange {
  first: number;
  last: number;
}

/** Everything of a session, the place of its title too. */
export function sessionRange(session_id: number): MessageRange {
  return { first: session_id * ORDINALS, last: (session_id + 1) * ORDINALS - 1 };
}

/** The messages of segments, neighbours in one range. */
export function segmentRanges(session_id: number, indexes: readonly number[]): MessageRange[] {
  const ranges: MessageRange[] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const first = messageId(session_id, index * SEGMENT_ORDINALS);
    const before = ranges.at(-1);
    if (before?.last === first - 1) before.last += SEGMENT_ORDINALS;
    else ranges.push({ first, last: first + SEGMENT_ORDINALS - 1 });
  }
  return ranges;
}
