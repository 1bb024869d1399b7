/** A program that may sign in, as an administrator registers it. */
export interface ConnectedApp {
  client_id: string;
  client_secret: string;
  /** Whole addresses; `loopback` takes any of 127.0.0.1 and localhost, whatever the port and path. */
  redirect_uris: readonly string[];
  /** Name of the user that the client credentials flow runs as; none: that flow is off. */
  run_as: string | null;
  /** PEM of the certificate or public key whose private half signs JWTs; none: that flow is off. */
  certificate: string | null;
  /** Names of users that approved it beforehand, for JWTs; `*` is all. */
  approved_users: readonly string[];
  /** Each refresh gives a new refresh token and ends the one before. */
  rotates_refresh_tokens: boolean;
}

/** What every sandbox has. No secret: it opens nothing but a simulator on this machine. */
export const SANDBOX_APP: ConnectedApp = {
  client_id: 'syncline-sandbox',
  client_secret: 'sandbox-secret',
  redirect_uris: ['loopback'],
  run_as: 'admin@sandbox.example',
  certificate: null,
  approved_users: ['*'],
  rotates_refresh_tokens: false,
};

/** The password of every user of a sandbox, for the flow with a password. */
export const SANDBOX_PASSWORD = 'sandbox';

export function takesRedirect(app: ConnectedApp, redirect_uri: string): boolean {
  if (app.redirect_uris.includes(redirect_uri)) return true;
  if (!app.redirect_uris.includes('loopback') || !URL.canParse(redirect_uri)) return false;
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(redirect_uri).hostname);
}
