/**
 * The kinds of value a configuration key may hold. Each one's `error` is the expected form as it completes the
 * sentence "`key` must be …", so that a wrong value is answered with what would be right, never with itself: a value
 * may be a secret in the wrong place.
 */
import { isIP } from 'node:net';
import { z } from 'zod';

/** How a secret is named in the configuration: where it is, never what it is. */
export type SecretReference = { file: string } | { env: string };

export const LITERAL_SECRET =
  'a reference to the secret, { file = "NAME" } or { env = "NAME" }: a secret is never written in this file';

const nonEmpty = z.string().min(1);

/** `{ file = "team.token" }` (beside the configuration file unless absolute) or `{ env = "NAME" }`. */
export const secret = z
  .union([z.strictObject({ file: nonEmpty }), z.strictObject({ env: nonEmpty })], { error: LITERAL_SECRET })
  .meta({ secret: true });

export const flag = z.boolean({ error: 'true or false' });

export const text = z.string({ error: 'text in quotes' }).min(1, { error: 'text in quotes, not empty' });

export const globs = z.array(text, { error: 'a list of patterns, like ["github.com/acme/*"]' });

/** A whole number within bounds, both included. */
export function whole(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) {
  const form =
    maximum === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${minimum}`
      : `a whole number from ${minimum} to ${maximum}`;
  return z.int({ error: form }).min(minimum, { error: form }).max(maximum, { error: form });
}

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: words.map((word) => `"${word}"`).join(' or ') });
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,9})(s|m|h|d)$/;

/** `"90s"`, `"15m"`, `"2h"`, `"7d"`; becomes milliseconds. */
export const duration_ms = z
  .string({ error: 'a duration like "90s", "15m", "2h" or "7d"' })
  .regex(DURATION, { error: 'a duration like "90s", "15m", "2h" or "7d"' })
  .transform((written) => {
    const [, count, unit] = DURATION.exec(written) ?? [];
    return Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  });

const SIZE = /^(\d{1,9})\s?(KiB|MiB|GiB|TiB)$/;
const SIZE_FORM = 'a number of bytes or a size like "512MiB" or "5GiB"';

/** A number of bytes, or `"512MiB"`, `"5GiB"`; becomes bytes. */
export const bytes = z
  .union([whole(0), z.string().regex(SIZE, { error: SIZE_FORM })], { error: SIZE_FORM })
  .transform((written) => {
    if (typeof written === 'number') return written;
    const [, count, unit] = SIZE.exec(written) ?? [];
    return Number(count) * 1024 ** (['KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit ?? '') + 1);
  });

const URL_FORM = 'an http:// or https:// address without a user name or password';

/** An address without credentials in it: those would be printed wherever the address is. */
export const url = z.string({ error: URL_FORM }).refine(isPlainHttpUrl, { error: URL_FORM });

function isPlainHttpUrl(written: string): boolean {
  if (!URL.canParse(written)) return false;
  const parsed = new URL(written);
  return ['http:', 'https:'].includes(parsed.protocol) && parsed.username === '' && parsed.password === '';
}

const LISTEN_FORM = 'an address and port like "127.0.0.1:4777" or "[::1]:4777"';

/** `HOST:PORT`, IPv6 in brackets. */
export const listen = z.string({ error: LISTEN_FORM }).refine((written) => parseListen(written) !== null, {
  error: LISTEN_FORM,
});

/** Splits `HOST:PORT`; null when it is neither that nor a valid port. */
export function parseListen(written: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(written);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? null : { host, port };
}

/** Whether only this machine can reach the host. A name other than `localhost` may resolve to anything, so it is not. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare);
}

const CIDR_FORM = 'a list of address ranges, like ["10.0.0.0/8"] or ["fd00::/8"]';

export const cidrs = z.array(z.string({ error: CIDR_FORM }).refine(isCidr, { error: CIDR_FORM }), {
  error: CIDR_FORM,
});

function isCidr(written: string): boolean {
  const [address = '', prefix = '', ...rest] = written.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(prefix)) return false;
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** How a destination is called in tables, commands and metrics. */
export const destinationName = z
  .string({ error: 'a short name in lower case, like "team-eu"' })
  .regex(/^[a-z][a-z0-9-]{0,62}$/, { error: 'a short name in lower case, like "team-eu"' })
  .refine((name) => name !== 'local', { error: 'another name: "local" is the store of this machine' });

const AGENT_ID_FORM = 'an id of 1 to 128 letters, digits or _ - : @ . /, like "host:desktop"';

/** An id as ai-memory has them. */
export const agentId = z
  .string({ error: AGENT_ID_FORM })
  .regex(/^[A-Za-z0-9_\-:@./]{1,128}$/, { error: AGENT_ID_FORM });

const PATTERN_FORM = 'a list of namespaces, like ["global", "team/**"]: * is one segment, ** any number of them';

/** Namespaces by pattern, as ai-memory has them (`allowed_namespaces`). */
export const namespacePatterns = z.array(
  z.string({ error: PATTERN_FORM }).regex(/^[^\s/\\]+(?:\/[^\s/\\]+){0,7}$/, { error: PATTERN_FORM }),
  { error: PATTERN_FORM },
);

const PUBLIC_KEY_FORM = 'a public key, 43 characters of URL-safe Base64 without padding';

export const publicKey = z
  .string({ error: PUBLIC_KEY_FORM })
  .refine((text) => /^[A-Za-z0-9_-]{43}$/.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text, {
    error: PUBLIC_KEY_FORM,
  });

const FINGERPRINT_FORM = 'a SHA-256 fingerprint, 64 hex digits with or without ":"';

/** Becomes 64 lower-case hex digits. */
export const fingerprint = z
  .string({ error: FINGERPRINT_FORM })
  .regex(/^(?:[0-9a-fA-F]{64}|(?:[0-9a-fA-F]{2}:){31}[0-9a-fA-F]{2})$/, { error: FINGERPRINT_FORM })
  .transform((text) => text.replaceAll(':', '').toLowerCase());
