/**
 * The form of every message: one line of JSON, then texts, one a line. Texts of operations and rows are JSON without line
 * feeds, so they are joined and split as they are: never parsed to be sent, never written anew, and what is relayed is
 * byte for byte what was received (M7).
 */
import { InvalidInputError } from '../../platform/errors.ts';
import { isObject, type JsonObject } from '../json.ts';
import { WIRE_LIMITS } from './limits.ts';

export interface Frame {
  head: JsonObject;
  texts: readonly string[];
}

/** A text with a line feed cannot travel; none of ours has one (`formatOperation`, `stateText`). */
export function writeFrame(head: object, texts: readonly string[] = []): string {
  const line = JSON.stringify(head);
  return texts.length === 0 ? line : `${line}\n${texts.join('\n')}`;
}

/** @throws InvalidInputError `memory.message` */
export function readFrame(body: string): Frame {
  if (body.length > WIRE_LIMITS.max_message_bytes) throw wrong('message', 'is too large');
  const end = body.indexOf('\n');
  const line = end < 0 ? body : body.slice(0, end);
  if (line.length > WIRE_LIMITS.max_head_bytes) throw wrong('head', 'is too large');
  const head = parse(line);
  const texts = end < 0 ? [] : body.slice(end + 1).split('\n');
  if (texts.length > WIRE_LIMITS.max_texts) throw wrong('texts', `are more than ${WIRE_LIMITS.max_texts}`);
  return { head, texts };
}

function parse(line: string): JsonObject {
  let head: unknown;
  try {
    head = JSON.parse(line);
  } catch {
    throw wrong('head', 'is not JSON');
  }
  if (!isObject(head)) throw wrong('head', 'is not an object');
  return head;
}

/** What every check of a message raises. */
export function wrong(field: string, why: string): InvalidInputError {
  return new InvalidInputError('memory.message', `${field}: ${why}`, { field });
}
