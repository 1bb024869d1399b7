/** A place in a channel: opaque bytes, unique there, of any length. Never a number: leading zeros and width are part of it. */
import { InvalidInputError } from '../../../platform/errors.ts';

export type ReplayId = Uint8Array;

/** Where a subscription begins: after an id, at the oldest event that is kept (72 h), or with what comes next. */
export type ReplayFrom = ReplayId | 'earliest' | 'latest';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The form in checkpoints and cursors. */
export function replayIdToText(id: ReplayId): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('base64');
}

/**
 * The very bytes that `replayIdToText` was given.
 * @throws InvalidInputError `salesforce.replay_id` for what is empty or no base64
 */
export function replayIdFromText(text: string): ReplayId {
  if (text === '' || !BASE64.test(text))
    throw new InvalidInputError('salesforce.replay_id', 'The stored replay id of the change events is damaged', {
      hint: 'Begin at the oldest event that Salesforce keeps, and reconcile what may lie before it.',
    });
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
