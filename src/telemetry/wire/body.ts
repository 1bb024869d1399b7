/** The bodies of the telemetry routes (telemetry specification §2.4, §6.2): an envelope and one array of items. */
import { z } from 'zod';
import { wireEvent, type WireEvent } from './event.ts';
import { wireSnapshotChunk, type WireSnapshotChunk } from './repo-snapshot.ts';
import { optionalText, text } from './scalars.ts';
import { wireSession, type WireSession } from './session.ts';
import { wireToolSpan, type WireToolSpan } from './tool-span.ts';
import { wireWorkspaceFacts, type WireWorkspaceFacts } from './workspace-facts.ts';

/** What a body repeats for all its items. */
export const envelope = { team_id: text, workspace_hash: text, project_name: optionalText };

export const eventsBody = z.object({ ...envelope, events: z.array(wireEvent) });
export const toolSpansBody = z.object({ ...envelope, spans: z.array(wireToolSpan) });
/** §6.2 as written: one session's fields stand beside the envelope. */
export const singleSessionBody = z.object({ ...envelope, ...wireSession.shape });
/** Ours: many sessions in one body. */
export const sessionsBody = z.object({ ...envelope, sessions: z.array(wireSession) });
export const repoSnapshotsBody = z.object({ ...envelope, snapshots: z.array(wireSnapshotChunk) });
export const workspaceFactsBody = z.object({ ...envelope, facts: z.array(wireWorkspaceFacts) });

interface Kind {
  /** Path of the route. */
  path: string;
  /** Name of the array that holds the items. */
  items_field: string;
}

/** The kinds of telemetry that are stored, with their places on the wire. */
export const TELEMETRY_KINDS = {
  events: { path: '/v1/events', items_field: 'events' },
  tool_spans: { path: '/v1/tool-spans', items_field: 'spans' },
  sessions: { path: '/v1/sessions', items_field: 'sessions' },
  repo_snapshots: { path: '/v1/repo-snapshots', items_field: 'snapshots' },
  workspace_facts: { path: '/v1/workspace-facts', items_field: 'facts' },
} as const satisfies Record<string, Kind>;

export type TelemetryKind = keyof typeof TELEMETRY_KINDS;

/** The version of these bodies, as `schema` in a partition's header and in `/v1/health`. */
export const SCHEMA_VERSION = 1;

interface ItemOf {
  events: WireEvent;
  tool_spans: WireToolSpan;
  sessions: WireSession;
  repo_snapshots: WireSnapshotChunk;
  workspace_facts: WireWorkspaceFacts;
}

/** A body that has been read: the envelope once, the items under one name whatever their kind. */
export interface ParsedBody<K extends TelemetryKind = TelemetryKind> {
  kind: K;
  team_id: string;
  workspace_hash: string;
  project_name: string | null;
  items: ItemOf[K][];
}

/** Any parsed body, told apart by `kind`. */
export type AnyParsedBody = { [K in TelemetryKind]: ParsedBody<K> }[TelemetryKind];
