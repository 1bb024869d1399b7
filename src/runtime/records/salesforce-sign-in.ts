import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { SecretReference } from '../../config/fields.ts';
import { resolveSecret } from '../../config/secret.ts';
import { UsageError } from '../../platform/errors.ts';
import type { HttpClient } from '../../records/salesforce/http.ts';
import { chooseSignIn } from '../../records/salesforce/sign-in/choose.ts';
import { refreshTokenFile } from '../../records/salesforce/sign-in/refresh-token-file.ts';
import type { SignIn } from '../../records/salesforce/sign-in/token.ts';
import type { RecordsInputs, SalesforceConfig } from './records-inputs.ts';

/** How the configuration wants to sign in, with its secrets fetched. */
export function salesforceSignIn(
  config: SalesforceConfig,
  inputs: Pick<RecordsInputs, 'config_file' | 'env' | 'clock'>,
): (http: HttpClient) => SignIn {
  const { config_file, env, clock } = inputs;
  const secret = (reference: SecretReference | undefined, name: string): string | undefined =>
    reference && resolveSecret(reference, { key: `records.salesforce.${name}`, config_file, env });
  const { login, client_id, user, refresh_token } = config;
  const settings = {
    ...{ client_id, user, key: secret(config.key, 'key') },
    client_secret: secret(config.client_secret, 'client_secret'),
    refresh_token: refresh_token === undefined ? undefined : refreshTokenFile(besideConfig(refresh_token, config_file)),
  };
  return (http) => chooseSignIn({ http, login, clock }, settings);
}

/** The authority of a sandbox. @throws UsageError `records.certificate_authority` */
export function certificateAuthority(
  { certificate_authority }: SalesforceConfig,
  config_file: string,
): string | undefined {
  if (certificate_authority === undefined) return undefined;
  const path = besideConfig(certificate_authority, config_file);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      'records.certificate_authority',
      'The file of records.salesforce.certificate_authority cannot be read',
      {
        field: 'records.salesforce.certificate_authority',
        hint: 'A relative name stands beside the configuration file.',
        cause: error,
      },
    );
  }
}

/** A relative name stands beside the configuration file. */
export function besideConfig(named: string, config_file: string): string {
  return isAbsolute(named) ? named : join(dirname(config_file), named);
}
