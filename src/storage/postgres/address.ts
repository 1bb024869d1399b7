import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { UsageError } from '../../platform/errors.ts';

/** Where a PostgreSQL is, and how it is reached. */
export interface PostgresAddress {
  /** For `pg`: without what `tls` says. Holds the password: never to be shown. */
  connection_string: string;
  /** False: no TLS. */
  tls: ConnectionOptions | false;
  /** `host:port/database`, for messages. */
  shown: string;
}

/** Parameters of an address that libpq and `pg` read as TLS settings, which `pg` would put before ours. */
const TLS_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'ssl', 'uselibpqcompat', 'sslnegotiation'];
const MODES = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'];

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`. Beyond this machine TLS is used, with a certificate that
 * a known authority signed for that host, unless `sslmode` says `disable` or `no-verify`. `sslrootcert`, `sslcert` and
 * `sslkey` name files.
 * @throws UsageError `postgres.url`, `postgres.tls`
 */
export function postgresAddress(text: string): PostgresAddress {
  const url = parsed(text);
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !MODES.includes(mode))
    throw new UsageError('postgres.tls', `sslmode of a PostgreSQL address is one of ${MODES.join(', ')}`);
  const socket = url.searchParams.get('host');
  const host = socket ?? url.hostname;
  const wants = mode === null ? !isHere(host) : mode !== 'disable';
  const tls: ConnectionOptions | false = wants ? tlsOf(url, mode) : false;
  for (const name of TLS_PARAMETERS) url.searchParams.delete(name);
  const shown = `${host === '' ? 'localhost' : host}:${url.port === '' ? '5432' : url.port}${url.pathname}`;
  return { connection_string: url.href, tls, shown };
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^postgres(?:ql)?:$/.test(url.protocol) && url.pathname.length > 1) return url;
  // The text may hold a password: it is not repeated.
  throw new UsageError('postgres.url', 'The address of the PostgreSQL cannot be read', {
    hint: 'It has the form postgres://user:password@host:5432/database.',
  });
}

function isHere(host: string): boolean {
  return host === '' || host.startsWith('/') || /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/.test(host);
}

function tlsOf(url: URL, mode: string | null): ConnectionOptions {
  const file = (name: string): Buffer | undefined => {
    const path = url.searchParams.get(name);
    if (path === null) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw new UsageError('postgres.tls', `The file of ${name} cannot be read`, { cause: error });
    }
  };
  const [ca, cert, key] = [file('sslrootcert'), file('sslcert'), file('sslkey')];
  return {
    rejectUnauthorized: mode !== 'no-verify',
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    // The authority alone is checked, not the name.
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  };
}
