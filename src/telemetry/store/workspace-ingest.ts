import type { Database } from '../../storage/sqlite/database.ts';
import type { ParsedBody } from '../wire/body.ts';
import type { Interner } from './interner.ts';
import type { Principal } from './principal.ts';

const INSERT_CHUNK = `INSERT INTO repo_snapshot_chunk (team_id, workspace_key, snapshot_id_hash, chunk_index, chunk_total,
    commit_hash, indexed_at_ms, dirty, file_facts, edges, member, device, received_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

const UPSERT_FACTS = `INSERT INTO workspace_facts (team_id, workspace_key, skill_slugs, rule_slugs, member, device, received_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET skill_slugs = excluded.skill_slugs, rule_slugs = excluded.rule_slugs,
    member = excluded.member, device = excluded.device, received_ms = excluded.received_ms
  WHERE skill_slugs <> excluded.skill_slugs OR rule_slugs <> excluded.rule_slugs`;

/**
 * Stores chunks of repository snapshots inside the caller's transaction; returns how many were already known. A snapshot's
 * id is made of what it shows (telemetry specification §2.5), so a chunk that is known is equal.
 */
export function ingestSnapshots(
  db: Database,
  interner: Interner,
  body: ParsedBody<'repo_snapshots'>,
  principal: Principal,
  received_ms: number,
): number {
  const workspace_key = interner.workspace(principal.team_id, body.workspace_hash, body.project_name);
  let inserted = 0;
  for (const chunk of body.items)
    inserted += db.run(
      INSERT_CHUNK,
      principal.team_id,
      workspace_key,
      chunk.snapshot_id_hash,
      chunk.chunk_index,
      chunk.chunk_total,
      chunk.commit_hash ?? null,
      chunk.indexed_at_ms,
      chunk.dirty ? 1 : 0,
      JSON.stringify(chunk.file_facts),
      JSON.stringify(chunk.edges),
      principal.member,
      principal.device,
      received_ms,
    );
  return body.items.length - inserted;
}

/** Stores the latest facts of a workspace inside the caller's transaction; returns how many changed nothing. */
export function ingestWorkspaceFacts(
  db: Database,
  interner: Interner,
  body: ParsedBody<'workspace_facts'>,
  principal: Principal,
  received_ms: number,
): number {
  const workspace_key = interner.workspace(principal.team_id, body.workspace_hash, body.project_name);
  let changed = 0;
  for (const facts of body.items)
    changed += db.run(
      UPSERT_FACTS,
      principal.team_id,
      workspace_key,
      JSON.stringify(facts.skill_slugs.toSorted()),
      JSON.stringify(facts.rule_slugs.toSorted()),
      principal.member,
      principal.device,
      received_ms,
    );
  return body.items.length - changed;
}
