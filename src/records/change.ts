/** What an entry of a records stream holds: that something changed on one side, and as much of it as the source told. */
import type { Document, Side } from './model/value.ts';

/** The payload of an entry, as JSON. Key of the entry: the external id in canonical form. */
export interface RecordChange {
  readonly side: Side;
  /** `touched`: it changed, and only a fetch tells how (gap events, diffs, drift, a repair). */
  readonly operation: 'changed' | 'deleted' | 'undeleted' | 'touched';
  /** What changed, or the whole record; empty unless `changed` or `undeleted`. */
  readonly fields: Document;
  /** All mapped fields are in `fields`. */
  readonly whole: boolean;
  /** Salesforce's id of the record, where the source tells it. */
  readonly salesforce_id: string | null;
  /** When that side committed it, by its own clock. */
  readonly committed_ms: number | null;
  /** Written by us: Salesforce's `changeOrigin` bears our tag, or PostgreSQL's session variable said so. */
  readonly ours: boolean;
  /** Who did it, as the side tells: a user id, a database role. Never shown unless an operator asks. */
  readonly actor: string | null;
  /** PostgreSQL: the agent session that `syncline exec` or the MCP tools set (R20). */
  readonly session: string | null;
}
