import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { UsageError, messageOf } from '../platform/errors.ts';

export interface TlsFiles {
  cert_file: string;
  key_file: string;
}

export interface Certificate {
  cert: Buffer;
  key: Buffer;
  /** Changes when either file does. */
  stamp: string;
}

/**
 * Reads and checks a certificate with its key.
 * @throws UsageError `tls.files` when they cannot be read or do not belong together
 */
export function readCertificate(files: TlsFiles): Certificate {
  try {
    // Stamped before reading: a change in between is seen as one more change later.
    const stamp = stampOf(files);
    const certificate = { cert: readFileSync(files.cert_file), key: readFileSync(files.key_file), stamp };
    createSecureContext(certificate);
    return certificate;
  } catch (cause) {
    throw new UsageError('tls.files', `The certificate and key cannot be used: ${messageOf(cause)}`, {
      field: 'server.tls_cert',
      hint: 'Both must be PEM files that belong together and that this user may read.',
      cause,
    });
  }
}

/** What tells a changed pair of files from the one that was read. */
export function stampOf({ cert_file, key_file }: TlsFiles): string {
  return [cert_file, key_file]
    .map((file) => {
      const { mtimeMs, size, ino } = statSync(file);
      return `${mtimeMs} ${size} ${ino}`;
    })
    .join(' ');
}
