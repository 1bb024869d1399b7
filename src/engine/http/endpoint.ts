import { isIP } from 'node:net';
import { UsageError } from '../../platform/errors.ts';

/**
 * Checks where telemetry may be sent (R7): https, or http on this machine, or http elsewhere when the configuration
 * says `insecure = true`.
 * @throws UsageError `destination.url`, `destination.insecure`
 */
export function checkEndpoint(url: string, insecure: boolean): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')
    throw new UsageError('destination.url', 'The server address is not an http or https URL', { field: 'url' });
  if (parsed.username !== '' || parsed.password !== '')
    throw new UsageError('destination.url', 'The server address holds a user name or password', {
      field: 'url',
      hint: 'Give the token by itself: token = { file = "…" }.',
    });
  if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname) && !insecure)
    throw new UsageError('destination.insecure', 'The server address is http://, which sends the token in clear', {
      field: 'url',
      hint: 'Use https://, or say insecure = true for a network you trust.',
    });
  return parsed;
}

/** Whether a URL's host is this machine by its very form, without asking a resolver. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost';
}
