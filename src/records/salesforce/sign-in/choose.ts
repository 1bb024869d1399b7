import type { Clock } from '../../../platform/clock.ts';
import { UsageError } from '../../../platform/errors.ts';
import { jwtBearer } from './jwt-bearer.ts';
import { type RefreshTokenStore, clientCredentials, storedRefreshToken } from './stored.ts';
import type { SignIn, TokenEndpoint } from './token.ts';

/** `[records.salesforce]` with its secrets fetched. */
export interface SignInSettings {
  readonly client_id: string;
  readonly user?: string | undefined;
  /** PEM. */
  readonly key?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly refresh_token?: RefreshTokenStore | undefined;
}

/**
 * The way of signing in that the settings name: a key as its user, else a person's stored sign-in, else the app's secret.
 * @throws UsageError `salesforce.settings` when they name none · `salesforce.key`
 */
export function chooseSignIn(endpoint: TokenEndpoint & { readonly clock: Clock }, settings: SignInSettings): SignIn {
  const { client_id, user, key, client_secret, refresh_token } = settings;
  if (key !== undefined && user !== undefined) return jwtBearer({ ...endpoint, client_id, user, private_key: key });
  if (refresh_token !== undefined)
    return storedRefreshToken({ ...endpoint, client_id, client_secret, store: refresh_token });
  if (client_secret !== undefined) return clientCredentials({ ...endpoint, client_id, client_secret });
  throw new UsageError('salesforce.settings', 'The configuration names no way to sign in to Salesforce', {
    field: 'records.salesforce',
    hint: 'syncline records init',
  });
}
