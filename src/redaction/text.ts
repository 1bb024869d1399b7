import type { Hashing } from './hash-forms.ts';
import type { Hit, Matcher } from './matcher.ts';
import { insideRemoteUrl, pathClass, pathMaterial } from './paths.ts';
import { count, unscanned, type Tally } from './report.ts';

/** What makes stand-ins: the salt keys every hash in them. */
export interface TextRedaction {
  matcher: Matcher;
  hashing: Hashing;
  salt: Uint8Array;
  /** Part of a path's hash, as in the original; may be empty. */
  workspace: string;
  /** False leaves the keyed tag out of `[REDACTED:rule]`, so that equal secrets cannot be told to be equal (R23). */
  tags: boolean;
  /** Longer texts are not scanned but replaced whole. UTF-16 units. */
  max_text_chars: number;
}

/** A removed secret can uncover another at its edge; four passes settle everything the property tests could make. */
const MAX_PASSES = 8;

const accept = (hit: Hit, text: string): boolean => hit.rule.form !== 'path' || !insideRemoteUrl(text, hit.start);

/** First 8 hex digits of the salted hash: enough to recognise, by design too short to be an identifier. */
const short = (redaction: TextRedaction, material: string): string =>
  redaction.hashing.hashWithSalt(redaction.salt, material).slice('blake3:'.length, 'blake3:'.length + 8);

function standIn(redaction: TextRedaction, hit: Hit, secret: string): string {
  switch (hit.rule.form) {
    case 'email':
      return '<REDACTED:email>';
    case 'token':
      return '<REDACTED:token>';
    case 'authorization':
      return '<REDACTED:token> <REDACTED:token>';
    case 'path':
      return `<${short(redaction, pathMaterial(secret, redaction.workspace))}:${pathClass(secret)}>`;
    default:
      // `secret:` keeps the tags apart from the wire's hashes of ids and paths.
      return redaction.tags
        ? `[REDACTED:${hit.rule.name}:${short(redaction, `secret:${secret}`)}]`
        : `[REDACTED:${hit.rule.name}]`;
  }
}

/** Replaces every secret; clean text comes back as the same string. Idempotent. Throws only if hashing does. */
export function redactText(redaction: TextRedaction, text: string, tally?: Tally): string {
  if (text.length > redaction.max_text_chars) {
    count(tally, 'unscanned');
    return unscanned(Buffer.byteLength(text));
  }
  let current = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const hits = redaction.matcher.hits(current, accept);
    if (hits.length === 0) return current;
    const parts: string[] = [];
    let from = 0;
    for (const hit of hits) {
      parts.push(current.slice(from, hit.start), standIn(redaction, hit, current.slice(hit.start, hit.end)));
      count(tally, hit.rule.name);
      from = hit.end;
    }
    parts.push(current.slice(from));
    current = parts.join('');
  }
  count(tally, 'unscanned');
  return unscanned(Buffer.byteLength(text));
}
