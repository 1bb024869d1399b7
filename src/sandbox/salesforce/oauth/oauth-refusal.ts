import { SynclineError } from '../../../platform/errors.ts';

/** An error of OAuth: an object with `error` and `error_description`, not an array (records.md §12.1). */
export class OAuthRefusal extends SynclineError {
  readonly error: string;
  readonly status: number;

  constructor(error: string, description: string, status = 400) {
    super(`sandbox.oauth.${error}`, description);
    this.error = error;
    this.status = status;
  }
}
