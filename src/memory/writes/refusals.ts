import { ForbiddenError, SynclineError } from '../../platform/errors.ts';

/** `memory.not_found` */
export class NotFound extends SynclineError {
  constructor(what: 'memory' | 'archived memory' | 'pending action') {
    super('memory.not_found', `There is no ${what} with this id`, { field: 'id' });
  }
}

/** `memory.denied` */
export class Denied extends ForbiddenError {
  constructor(message: string, hint?: string) {
    super('memory.denied', message, hint === undefined ? {} : { hint });
  }
}
