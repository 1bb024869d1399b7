import type { PartitionHeader } from '../../engine/ordered/destination.ts';
import { invariant } from '../../platform/errors.ts';
import { TELEMETRY_KINDS, type TelemetryKind } from '../wire/body.ts';

/** What a destination says about the bodies it takes. */
export interface BodyForm {
  /** The team in every envelope; partitions do not know it. */
  team_id: string;
  /** Whether `project_name` goes along (`team.names`, R5). */
  project_names: boolean;
  /** One session's fields beside the envelope, as the original contract has it, instead of our array. */
  single_session: boolean;
}

/** The telemetry kind of a partition, or null when it is none that has a place on the wire. */
export function kindOf(header: PartitionHeader): TelemetryKind | null {
  const { kind } = header;
  return typeof kind === 'string' && Object.hasOwn(TELEMETRY_KINDS, kind) ? (kind as TelemetryKind) : null;
}

/** Joins item texts into one body. The texts are JSON objects and are never parsed again. */
export function encodeBody(form: BodyForm, header: PartitionHeader, items: readonly string[]): string {
  const [before, after] = frame(form, header);
  if (!isSingleSession(form, header)) return joined(before, items, after);
  const [session] = items;
  invariant(items.length === 1 && session !== undefined, 'a body of one session holds one object');
  return before + session.slice(1);
}

/** One flat text: what is put together of three is copied again by whoever hashes or sends it. */
function joined(before: string, items: readonly string[], after: string): string {
  const parts = [...items];
  parts[0] = before + (parts[0] ?? '');
  const last = Math.max(0, items.length - 1);
  parts[last] = (parts[last] ?? '') + after;
  return parts.join(',');
}

/** Bytes of a body besides its items and the commas between them. */
export function envelopeBytes(form: BodyForm, header: PartitionHeader): number {
  const [before, after] = frame(form, header);
  return Buffer.byteLength(before) + Buffer.byteLength(after);
}

function isSingleSession(form: BodyForm, header: PartitionHeader): boolean {
  return form.single_session && header['kind'] === 'sessions';
}

function frame(form: BodyForm, header: PartitionHeader): [before: string, after: string] {
  const kind = kindOf(header);
  invariant(kind, 'a destination encodes only partitions that it accepts');
  const { workspace_hash, project_name } = header;
  const envelope = JSON.stringify({
    team_id: form.team_id,
    workspace_hash,
    ...(form.project_names && typeof project_name === 'string' ? { project_name } : {}),
  });
  const open = envelope.slice(0, -1);
  return isSingleSession(form, header) ? [`${open},`, ''] : [`${open},"${TELEMETRY_KINDS[kind].items_field}":[`, ']}'];
}
