import type { z } from 'zod';
import { messageOf } from '../../platform/errors.ts';
import {
  TELEMETRY_KINDS,
  eventsBody,
  repoSnapshotsBody,
  sessionsBody,
  singleSessionBody,
  toolSpansBody,
  workspaceFactsBody,
  type AnyParsedBody,
  type TelemetryKind,
} from './body.ts';
import { findNonIntegers } from './non-integers.ts';
import { isPlainEnvelope, isPlainEvent, isPlainToolSpan } from './quick-read.ts';

/** Most item errors one answer lists; the sender bisects or drops what is named and sends again. */
export const MAX_REPORTED_ERRORS = 100;

/** What is wrong with one field. Names the place and the rule, never the value (it may be a secret). */
export interface FieldError {
  /** Place of the item in the body's array; -1 when the envelope is at fault. */
  index: number;
  /** Dotted from the body's root: `events.3.ts_ms`, `team_id`. */
  field: string;
  code: string;
  message: string;
}

export type ParseResult =
  | { ok: true; body: AnyParsedBody }
  /** `json`: not JSON at all, errors empty. `schema`: at least one error. */
  | { ok: false; reason: 'json'; message: string }
  | { ok: false; reason: 'schema'; errors: FieldError[] };

/**
 * Reads a body exactly as telemetry specification §2.4 asks: unknown fields ignored, null and absent alike, integers as
 * integers, u32 and safe-integer bounds. Never throws and never echoes a value.
 */
export function parseBody(kind: TelemetryKind, body_text: string): ParseResult {
  let value: unknown;
  try {
    value = JSON.parse(body_text);
  } catch (error) {
    return { ok: false, reason: 'json', message: withoutQuote(messageOf(error)) };
  }
  const read = readPlainBody(kind, value) ?? readBody(kind, value);
  if (!read.success) return { ok: false, reason: 'schema', errors: toFieldErrors(kind, read.error) };
  const fractions = findNonIntegers(body_text, TELEMETRY_KINDS[kind].items_field);
  if (fractions.length === 0) return { ok: true, body: read.body };
  const errors = fractions.slice(0, MAX_REPORTED_ERRORS).map(({ index, field }) => ({
    index,
    field: index < 0 ? field : `${TELEMETRY_KINDS[kind].items_field}.${index}.${field}`,
    code: 'not_an_integer',
    message: 'must be written as an integer, without fraction or exponent',
  }));
  return { ok: false, reason: 'schema', errors };
}

type Read = { success: true; body: AnyParsedBody } | { success: false; error: z.ZodError };

function readBody(kind: TelemetryKind, value: unknown): Read {
  switch (kind) {
    case 'events': {
      const read = eventsBody.safeParse(value);
      return read.success ? success({ kind, ...enveloped(read.data), items: read.data.events }) : read;
    }
    case 'tool_spans': {
      const read = toolSpansBody.safeParse(value);
      return read.success ? success({ kind, ...enveloped(read.data), items: read.data.spans }) : read;
    }
    case 'sessions':
      return readSessions(value);
    case 'repo_snapshots': {
      const read = repoSnapshotsBody.safeParse(value);
      return read.success ? success({ kind, ...enveloped(read.data), items: read.data.snapshots }) : read;
    }
    case 'workspace_facts': {
      const read = workspaceFactsBody.safeParse(value);
      return read.success ? success({ kind, ...enveloped(read.data), items: read.data.facts }) : read;
    }
  }
}

/** The same for most bodies without a copy of each item; null = only the schema can tell. */
function readPlainBody(kind: TelemetryKind, value: unknown): Read | null {
  if (typeof value !== 'object' || value === null || !isPlainEnvelope(value)) return null;
  if (kind === 'events' && 'events' in value && Array.isArray(value.events) && value.events.every(isPlainEvent))
    return success({ kind, ...enveloped(value), items: value.events });
  if (kind === 'tool_spans' && 'spans' in value && Array.isArray(value.spans) && value.spans.every(isPlainToolSpan))
    return success({ kind, ...enveloped(value), items: value.spans });
  return null;
}

/** Our array of sessions, or the contract's one session beside the envelope. */
function readSessions(value: unknown): Read {
  const kind = 'sessions';
  if (typeof value === 'object' && value !== null && 'sessions' in value) {
    const read = sessionsBody.safeParse(value);
    return read.success ? success({ kind, ...enveloped(read.data), items: read.data.sessions }) : read;
  }
  const read = singleSessionBody.safeParse(value);
  if (!read.success) return read;
  const { team_id, workspace_hash, project_name, ...session } = read.data;
  return success({ kind, ...enveloped({ team_id, workspace_hash, project_name }), items: [session] });
}

function success(body: AnyParsedBody): Read {
  return { success: true, body };
}

interface Envelope {
  team_id: string;
  workspace_hash: string;
  project_name?: string | null | undefined;
}

function enveloped(body: Envelope): { team_id: string; workspace_hash: string; project_name: string | null } {
  return {
    team_id: body.team_id,
    workspace_hash: body.workspace_hash,
    project_name: body.project_name ?? null,
  };
}

function toFieldErrors(kind: TelemetryKind, error: z.ZodError): FieldError[] {
  const { items_field } = TELEMETRY_KINDS[kind];
  return error.issues.slice(0, MAX_REPORTED_ERRORS).map((issue) => {
    const [first, second] = issue.path;
    const index = first === items_field && typeof second === 'number' ? second : -1;
    return { index, field: issue.path.join('.'), code: codeOf(issue), message: issue.message };
  });
}

/** zod says a missing field has the wrong type; the sender should hear that it is missing. */
function codeOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return 'required';
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'required';
  return issue.code;
}

/** V8 quotes the text around a syntax error; the place is enough and the text may be a secret. */
function withoutQuote(message: string): string {
  const position = /at position \d+(?: \(line \d+ column \d+\))?/.exec(message)?.[0];
  return `the body is not valid JSON${position === undefined ? '' : ` ${position}`}`;
}
