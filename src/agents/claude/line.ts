import { flagField, objectField, stringField, timeField, type JsonObject } from './field.ts';

/** What every line of the uuid chain says about itself (§2.2). Absent fields are null; `body` is the whole line. */
export interface ChainLine {
  type: string;
  uuid: string | null;
  parent_uuid: string | null;
  logical_parent_uuid: string | null;
  /** Session of the writing process, not always of the file it stands in (§2.2). */
  session_id: string | null;
  ts_ms: number | null;
  sidechain: boolean;
  agent_id: string | null;
  cwd: string | null;
  git_branch: string | null;
  agent_version: string | null;
  meta: boolean;
  compact_summary: boolean;
  /** Written by a background process, which stamps copies, too (§2.8). */
  background: boolean;
  body: JsonObject;
}

/** Where a line stands in its file, in bytes, without the newline. */
export interface LineSpan {
  offset: number;
  length: number;
}

export function chainLineOf(body: JsonObject): ChainLine {
  return {
    type: stringField(body, 'type') ?? '',
    uuid: stringField(body, 'uuid'),
    parent_uuid: stringField(body, 'parentUuid'),
    logical_parent_uuid: stringField(body, 'logicalParentUuid'),
    session_id: stringField(body, 'sessionId'),
    ts_ms: timeField(body, 'timestamp'),
    sidechain: flagField(body, 'isSidechain'),
    agent_id: stringField(body, 'agentId'),
    cwd: stringField(body, 'cwd'),
    git_branch: stringField(body, 'gitBranch'),
    agent_version: stringField(body, 'version'),
    meta: flagField(body, 'isMeta'),
    compact_summary: flagField(body, 'isCompactSummary'),
    background: body['sessionKind'] === 'bg',
    body,
  };
}

/** The chain of messages a line belongs to: the main conversation, a side question, or one subagent's. */
export function chainOf(line: ChainLine): string {
  return line.sidechain ? `side:${line.agent_id ?? ''}` : 'main';
}

/** `message` of a user or assistant line. */
export function messageOf(line: ChainLine): JsonObject | null {
  return objectField(line.body, 'message');
}
