import type { ConversationHead, ConversationSegment } from '../../agents/conversation.ts';
import type { Hashing } from '../../redaction/hash-forms.ts';
import type { Tally } from '../../redaction/report.ts';
import { conversationKey } from '../conversation-key.ts';
import { maskHead } from '../masking/mask-head.ts';
import type { Masker } from '../masking/masker.ts';
import type { TranscriptHead } from '../store/transcript.ts';
import type { SessionProject } from './session-project.ts';

/** Figures of the messages that a store is given. */
export class Figures {
  message_count = 0;
  user_message_count = 0;
  cut_bytes = 0;
  last_ordinal = -1;
  last_time_ms: number | null = null;
  readonly models = new Set<string>();

  add({ messages }: ConversationSegment): void {
    for (const message of messages) {
      this.message_count++;
      if (message.role === 'user' && !message.is_system) this.user_message_count++;
      this.cut_bytes += message.cut_bytes;
      this.last_ordinal = message.ordinal;
      this.last_time_ms = message.timestamp_ms ?? this.last_time_ms;
      if (message.model !== null) this.models.add(message.model);
    }
  }
}

/** Who sends, and for whom the head is made. */
export interface HeadContext {
  hashing: Hashing;
  /** The machine's for the local store, the team's for a team: names and ids are hashed under it. */
  salt: Uint8Array;
  /** Names this installation in keys. */
  device_id: string;
  member: string;
  device: string;
  /** False: the team gets hashes of projects only (R5). */
  names: boolean;
  /** The local store may know the working directory; nobody else gets a path (R5). */
  is_local: boolean;
}

export interface HeadParts {
  key: string;
  archive: string;
  head: ConversationHead;
  project: SessionProject;
  masker: Masker;
  figures: Figures;
  /** Messages of it wait: what is told ends where they begin. */
  is_held: boolean;
  /** Given what fired in the head's own texts; returns all rules, sorted. */
  redactions: (of_head: Tally) => Record<string, number>;
}

/** The head as a store keeps it: masked, without what must not leave. Its members stand in one order. */
export function transcriptHead(context: HeadContext, parts: HeadParts): TranscriptHead {
  const { hashing, salt, device_id } = context;
  const { key, archive, head, project, masker, figures, is_held } = parts;
  const tally: Tally = new Map();
  const masked = maskHead(masker, head, tally);
  const project_hash = project.identity === null ? null : hashing.workspaceHash(salt, project.identity);
  const hashed = (id: string | null): string | null => (id === null ? null : hashing.hashWithSalt(salt, id));
  const parent = head.parent_native_id;
  return {
    key,
    native_id: masked.native_id,
    session_hash: hashed(head.agent_session_id),
    agent: masked.agent,
    agent_version: masked.agent_version,
    member: context.member,
    device: context.device,
    project: context.names ? masker.name(project.label, tally) : (project_hash ?? ''),
    project_hash,
    cwd: context.is_local ? masked.cwd : null,
    git_branch: masked.git_branch,
    title: masked.title,
    first_message: masked.first_message,
    started_at_ms: masked.started_at_ms,
    ended_at_ms: is_held ? figures.last_time_ms : masked.ended_at_ms,
    message_count: figures.message_count,
    user_message_count: figures.user_message_count,
    models: [...figures.models].map((model) => masker.name(model, tally)).sort(),
    parent_key: parent === null ? null : conversationKey(hashing, device_id, archive, parent),
    relationship: masked.relationship,
    termination_status: is_held ? null : masked.termination_status,
    is_automated: masked.is_automated,
    is_truncated: masked.is_truncated,
    total_output_tokens: masked.total_output_tokens,
    peak_context_tokens: masked.peak_context_tokens,
    starred_at_ms: masked.starred_at_ms,
    pins: masked.pins.filter(({ ordinal }) => !is_held || ordinal <= figures.last_ordinal),
    presence: masked.presence,
    rule_set: masker.rule_set,
    redactions: parts.redactions(tally),
    cut_bytes: figures.cut_bytes,
  };
}
