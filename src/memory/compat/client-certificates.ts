import { createHash } from 'node:crypto';
import { UsageError } from '../../platform/errors.ts';

/**
 * SHA-256 fingerprints of client certificates (DER) that may connect, as 64 lower-case hex digits. The certificate itself is
 * pinned; who issued it is of no interest.
 */
export type ClientCertificates = ReadonlySet<string>;

const FINGERPRINT = /^(?:sha256:)?((?:[0-9a-f]{2}:?){32})$/i;

/**
 * Reads an allow-list: one fingerprint a line, in any case, with or without `:` and `sha256:`; `#` begins a comment.
 * @throws UsageError `memory.mtls_allowlist` naming the line; also when the list is empty, which would admit nobody
 */
export function readClientCertificates(text: string): ClientCertificates {
  const fingerprints = new Set<string>();
  for (const [i, line] of text.split('\n').entries()) {
    const [entry = ''] = line.split('#', 1);
    if (entry.trim() === '') continue;
    const match = FINGERPRINT.exec(entry.trim());
    const digits = match?.[1]?.replaceAll(':', '').toLowerCase();
    if (digits?.length !== 64)
      throw refusal(`Line ${i + 1} of the list of client certificates is no SHA-256 fingerprint`);
    fingerprints.add(digits);
  }
  if (fingerprints.size === 0) throw refusal('The list of client certificates is empty: nobody could connect');
  return fingerprints;
}

/** The fingerprint of a certificate's DER bytes. */
export function fingerprintOf(certificate_der: Uint8Array): string {
  return createHash('sha256').update(certificate_der).digest('hex');
}

function refusal(message: string): UsageError {
  return new UsageError('memory.mtls_allowlist', message, {
    field: 'memory.compat.mtls_allowlist',
    hint: 'Write one fingerprint a line: 64 hex digits, for example from openssl x509 -fingerprint -sha256.',
  });
}
