import { ForbiddenError } from '../../../platform/errors.ts';
import { type SignIn, type TokenEndpoint, requestToken } from './token.ts';

/** Signs in as the connected app's own user. The login address must be the org's My Domain. */
export function clientCredentials(
  options: TokenEndpoint & { readonly client_id: string; readonly client_secret: string },
): SignIn {
  const { client_id, client_secret } = options;
  return (signal) => requestToken(options, { grant_type: 'client_credentials', client_id, client_secret }, signal);
}

/** Where the refresh token of a person's sign-in is kept: a file of mode 0600, of the caller. */
export interface RefreshTokenStore {
  /** Null: nobody signed in yet. */
  read(): Promise<string | null>;
  /** Durable when it resolves: an org that rotates has forgotten the former token by then. */
  write(refresh_token: string): Promise<void>;
}

/**
 * Signs in with what a person's sign-in (browser, device) left.
 * @throws ForbiddenError `salesforce.not_signed_in` when there is nothing
 */
export function storedRefreshToken(
  options: TokenEndpoint & {
    readonly client_id: string;
    readonly client_secret?: string | undefined;
    readonly store: RefreshTokenStore;
  },
): SignIn {
  const { client_id, client_secret, store } = options;
  return async (signal) => {
    const refresh_token = await store.read();
    if (refresh_token === null)
      throw new ForbiddenError('salesforce.not_signed_in', 'Nobody has signed in to Salesforce on this machine', {
        hint: 'syncline records init',
      });
    const secret = client_secret === undefined ? {} : { client_secret };
    const form = { grant_type: 'refresh_token', refresh_token, client_id, ...secret };
    const token = await requestToken(options, form, signal);
    if (token.refresh_token !== null && token.refresh_token !== refresh_token) await store.write(token.refresh_token);
    return token;
  };
}
