/**
 * The body of `PUT /v1/transcripts/{key}`: a `TranscriptPut` as JSON, without what the server knows better (key from the
 * path, owner, member and device from the token, R6). Unknown fields are ignored, so that a newer client may say more.
 */
import { z } from 'zod';
import { SEGMENT_ORDINALS } from '../../agents/conversation.ts';
import type { SourceGone, TranscriptPut } from '../store/transcript.ts';

/** Of a field that names something; texts of a conversation are bounded by the body. */
const MAX_NAME = 4_096;
const MAX_SEGMENTS = 100_000;
const MAX_RULES = 1_000;
const MAX_CALLS = 1_000;

const name = z.string().max(MAX_NAME);
const optionalName = name.nullable();
const whole = z.int().min(0);
const optionalWhole = whole.nullable();
const time = z.int().nullable();
const hash = z.string().regex(/^[0-9a-f]{16}$/, '16 hexadecimal digits');

const presence = z.union([
  z.object({ kind: z.literal('present') }),
  z.object({ kind: z.enum(['source_gone', 'trashed', 'deleted']), since_ms: z.int() }),
]);

const head = z.object({
  native_id: name,
  session_hash: optionalName,
  agent: name,
  agent_version: optionalName,
  project: name,
  project_hash: optionalName,
  git_branch: optionalName,
  title: z.string().nullable(),
  first_message: z.string().nullable(),
  started_at_ms: time,
  ended_at_ms: time,
  message_count: whole,
  user_message_count: whole,
  models: z.array(name).max(MAX_RULES),
  parent_key: optionalName,
  relationship: z.enum(['', 'continuation', 'fork', 'subagent']),
  termination_status: optionalName,
  is_automated: z.boolean(),
  is_truncated: z.boolean(),
  total_output_tokens: optionalWhole,
  peak_context_tokens: optionalWhole,
  starred_at_ms: time,
  pins: z.array(z.object({ ordinal: whole, note: z.string().nullable(), created_at_ms: time })).max(MAX_SEGMENTS),
  presence,
  rule_set: name,
  redactions: z.record(name, whole).refine((rules) => Object.keys(rules).length <= MAX_RULES, 'too many rules'),
  cut_bytes: whole,
});

const usage = z.object({
  input_tokens: optionalWhole,
  output_tokens: optionalWhole,
  cache_read_tokens: optionalWhole,
  cache_write_tokens: optionalWhole,
  context_tokens: optionalWhole,
});

const toolCall = z.object({
  index: whole,
  tool_use_id: optionalName,
  tool_name: name,
  category: name,
  input_json: z.string().nullable(),
  skill_name: optionalName,
  file_path: optionalName,
  subagent_native_id: optionalName,
  result: z.string().nullable(),
  result_bytes: optionalWhole,
  is_error: z.boolean(),
  result_at_ms: time,
});

const message = z.object({
  ordinal: whole,
  role: name,
  content: z.string(),
  thinking: z.string().nullable(),
  timestamp_ms: time,
  model: optionalName,
  is_system: z.boolean(),
  is_sidechain: z.boolean(),
  is_compact_boundary: z.boolean(),
  source_uuid: optionalName,
  usage: usage.nullable(),
  tool_calls: z.array(toolCall).max(MAX_CALLS),
  cut_bytes: whole,
});

const segment = z
  .object({ index: whole, messages: z.array(message).min(1).max(SEGMENT_ORDINALS) })
  .superRefine(({ index, messages }, issues) => {
    let before = index * SEGMENT_ORDINALS - 1;
    for (const [place, { ordinal }] of messages.entries()) {
      if (ordinal <= before || ordinal >= (index + 1) * SEGMENT_ORDINALS)
        issues.addIssue({
          code: 'custom',
          path: ['messages', place, 'ordinal'],
          message: 'ascending, within the segment',
        });
      before = ordinal;
    }
  });

export const putBody = z
  .object({
    team_id: name,
    base: hash.nullable(),
    fingerprint: hash,
    head,
    segment_hashes: z.array(z.tuple([whole, hash])).max(MAX_SEGMENTS),
    segments: z.array(segment),
    partial: z.boolean(),
    restores: z.boolean().optional(),
  })
  .superRefine(({ segment_hashes, segments }, issues) => {
    const listed = new Set(segment_hashes.map(([index]) => index));
    if (listed.size < segment_hashes.length)
      issues.addIssue({ code: 'custom', path: ['segment_hashes'], message: 'each index once' });
    for (const [place, { index }] of segments.entries())
      if (!listed.has(index))
        issues.addIssue({ code: 'custom', path: ['segments', place, 'index'], message: 'listed in segment_hashes' });
  });

export type PutBody = z.infer<typeof putBody>;

/** The body a client sends; keys of a `TranscriptPut` that are not the client's to say are left out. */
export function putBodyOf(
  team_id: string,
  { base, fingerprint, head, segment_hashes, segments, partial, restores }: TranscriptPut,
): string {
  const { key: _key, member: _member, device: _device, cwd: _cwd, ...told } = head;
  return JSON.stringify({ team_id, base, fingerprint, head: told, segment_hashes, segments, partial, restores });
}

/** The put as the server makes it of a checked body, its path and its caller. */
export function putOf(body: PutBody, key: string, caller: { member: string; device: string }): TranscriptPut {
  const { base, fingerprint, segment_hashes, segments, partial, restores } = body;
  const { member, device } = caller;
  const told = { ...body.head, key, member, device, cwd: null };
  return { key, base, fingerprint, owner: ownerOf(caller), head: told, segment_hashes, segments, partial, restores };
}

/** The body of `POST /v1/transcripts/{key}/gone`. */
export const goneBody = z.object({ team_id: name, base: hash, fingerprint: hash, since_ms: z.int() });

export function goneBodyOf(team_id: string, { base, fingerprint, since_ms }: SourceGone): string {
  return JSON.stringify({ team_id, base, fingerprint, since_ms });
}

/** Who holds a key at a server: a member's device, as its token says. */
export function ownerOf({ member, device }: { member: string; device: string }): string {
  return `${member}/${device}`;
}
