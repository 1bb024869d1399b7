import { z } from 'zod';

const hash = z.string().regex(/^blake3:[0-9a-f]{64}$/);
const name = z.string().min(1).max(200);

/**
 * One line of the spool: what a hook saw, hashed and redacted before it was written. The reader checks every line with
 * this; the hook itself imports only the type, because zod would double its start-up time.
 */
export const spoolRecord = z.strictObject({
  v: z.literal(1),
  /** When the hook ran, epoch milliseconds: payloads carry no time of their own. */
  ts_ms: z.int().nonnegative(),
  /** Judged by the payload's shape: Cursor and Codex run hooks that were installed for Claude. */
  agent: z.enum(['claude', 'codex', 'cursor']),
  /** The agent's own name of the event, like `PreToolUse`; `unknown` when it is missing or unusable. */
  event: name,
  /** Names the salt of the hashes below: `saltTag` of one of the salts that the reader knows. */
  salt_tag: z.string().regex(/^[0-9a-f]{8}$/),
  /** Hash of the agent's session id; null when the payload names none. */
  session: hash.nullable(),
  /** Hash of the subagent's id, inside one. */
  subagent: hash.nullable(),
  tool: name.nullable(),
  tool_call_id: name.nullable(),
  /** Hash of the workspace's identity; the working directory itself is never kept. */
  workspace: hash.nullable(),
  workspace_kind: z.enum(['remote', 'path']).nullable(),
  /** The session was started with SYNCLINE_PRIVATE=1: nothing of it may leave this machine. */
  private: z.boolean(),
  /** Bytes read from stdin. */
  payload_bytes: z.int().nonnegative(),
  /** The payload was longer than the hook reads; members after the cut are missing. */
  truncated: z.boolean(),
  /** Enumerations, counts, sizes and flags without content. */
  facts: z.record(z.string().max(64), z.union([z.string().max(200), z.number(), z.boolean()])),
  /** Prompts, tool input and output, redacted; null unless `telemetry.content = "redacted"`. */
  content: z.json(),
  /** The rules that redacted `content` and names. */
  rule_set: z.string().max(64),
  /** How often each rule fired. */
  removed: z.record(z.string().max(40), z.int().positive()),
});

export type SpoolRecord = z.infer<typeof spoolRecord>;
