import { readFile } from 'node:fs/promises';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { SecretReference } from '../../config/fields.ts';
import { resolveSecret } from '../../config/secret.ts';
import { invariant, UsageError } from '../../platform/errors.ts';
import { writeDurably } from '../../platform/write-file.ts';
import type { HttpClient } from '../../records/salesforce/http.ts';
import { jwtBearer } from '../../records/salesforce/sign-in/jwt-bearer.ts';
import {
  clientCredentials,
  storedRefreshToken,
  type RefreshTokenStore,
} from '../../records/salesforce/sign-in/stored.ts';
import type { SignIn } from '../../records/salesforce/sign-in/token.ts';
import type { RecordsInputs, SalesforceConfig } from './records-inputs.ts';

/** How the configuration wants to sign in: by key, by what a person's sign-in left, or as the app itself. */
export function salesforceSignIn(
  config: SalesforceConfig,
  inputs: Pick<RecordsInputs, 'config_file' | 'env' | 'clock'>,
): (http: HttpClient) => SignIn {
  const secret = (reference: SecretReference, name: string): string =>
    resolveSecret(reference, { key: `records.salesforce.${name}`, config_file: inputs.config_file, env: inputs.env });
  const { login, client_id, user, key } = config;
  if (key !== undefined && user !== undefined) {
    const private_key = secret(key, 'key');
    return (http) => jwtBearer({ http, login, client_id, user, private_key, clock: inputs.clock });
  }
  const client_secret = config.client_secret && secret(config.client_secret, 'client_secret');
  if (config.refresh_token !== undefined) {
    const store = refreshTokenFile(besideConfig(config.refresh_token, inputs.config_file));
    return (http) => storedRefreshToken({ http, login, client_id, client_secret, store });
  }
  invariant(client_secret !== undefined, 'the configuration was checked for a way to sign in');
  return (http) => clientCredentials({ http, login, client_id, client_secret });
}

/** What a person's sign-in left, in a file that nobody else can read. */
export function refreshTokenFile(file: string): RefreshTokenStore {
  return {
    read: async () => {
      try {
        return (await readFile(file, 'utf8')).trim() || null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    write: async (token) => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeDurably(file, `${token}\n`);
      return Promise.resolve();
    },
  };
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
