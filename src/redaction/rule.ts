/**
 * How a match is replaced.
 * - `tag`: `[REDACTED:<rule>:xxxxxxxx]`, the tag being a salted hash of the secret (R23).
 * - `token`, `email`, `authorization`: the original's own forms, where its vectors fix them (telemetry specification §3.5).
 * - `path`: `<H:file>` or `<H:path>` (§3.5 rule 2).
 */
export type ReplacementForm = 'tag' | 'token' | 'email' | 'authorization' | 'path';

/**
 * One thing that must not be stored. Patterns are data: sources of regular expressions with bounded repetition only, each
 * proved free of catastrophic backtracking by recheck in a test.
 */
export interface Rule {
  /** Stands in markers, reports and metrics. Lower-case letters, digits and hyphens; never changes its meaning. */
  readonly name: string;
  /**
   * Literal words in lower case, found in any case; none may begin another one of the rule set. The pattern is tried
   * only where one of them stands.
   */
  readonly anchors: readonly string[];
  /**
   * What to find, from the anchor on. The whole match goes, unless there is a group `secret`: it ends the match, and
   * what stands before it stays. A group `lead`, in a lookbehind before the anchor, goes as well (the name of `name@host`).
   */
  readonly pattern: string;
  readonly ignore_case?: true;
  /** Default `tag`. */
  readonly form?: ReplacementForm;
}

/** Tails of escapes after which a token may begin, because text often arrives as JSON or as a URL that was not decoded. */
const AFTER_ESCAPE = String.raw`(?<=\\[nrtbf]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})`;

/** Left edge of a token: none of these characters (a class without brackets) before it, or an escape's tail. */
export const edge = (characters: string): string => String.raw`(?:(?<![${characters}])|${AFTER_ESCAPE})`;

/** A marker that an earlier run left; no rule reaches into one, so that redacting twice changes nothing. */
export const MARKER_SOURCE = String.raw`\[REDACTED:[a-z0-9-]{1,40}(?::[0-9a-f]{8}| bytes=\d{1,15})?\]|<REDACTED:(?:email|token|secret|arg)>|<[0-9a-f]{8}:(?:file|path)>`;

/** Lookahead that keeps a value from being a marker. */
export const NOT_A_MARKER = String.raw`(?!\[REDACTED:|<REDACTED:|<[0-9a-f]{8}:)`;
