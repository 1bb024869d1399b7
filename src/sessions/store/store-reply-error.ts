import type { Reply } from '../../engine/ordered/destination.ts';
import { SynclineError } from '../../platform/errors.ts';

/** A store at the other end of a network answered with something that is no result, or did not answer. */
export class StoreReplyError extends SynclineError {
  /** For the classifier: what it means is the engine's to say. */
  readonly reply: Reply;

  constructor(reply: Reply) {
    const said =
      reply.status === null ? reply.message : `The store answered ${reply.status}: ${reply.message ?? 'no reason'}`;
    super('sessions.store', said);
    this.reply = reply;
  }
}
