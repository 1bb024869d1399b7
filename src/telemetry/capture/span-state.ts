import type { CapturedSpan } from './span-item.ts';

/** A span's row in the journal's file. */
export interface StoredSpan {
  span_key: string;
  state: string;
}

/** What a row says. */
export interface KnownSpan {
  partition_id: number;
  span: CapturedSpan;
}

type State = readonly [
  partition_id: number,
  /** The span's key is the id of its call. */
  key_is_call_id: 0 | 1,
  opened: number,
  tool: string | null,
  has_call: 0 | 1,
  call_ms: number | null,
  call_exact: 0 | 1,
  result_ms: number | null,
  result_exact: 0 | 1,
  hook_start_ms: number | null,
  hook_end_ms: number | null,
  outcome: CapturedSpan['outcome'],
  span_id_hash: string,
  origin_id_hash: string | null,
  subagent_id_hash: string | null,
  owner_rank: string,
  ...path_hashes: string[],
];

/**
 * The state of a span as it is kept: an array, without what stands in the row's key. There is one for each call of a
 * history; with names of fields and the call's id two times more they were a fifth of the journal's file.
 */
export function encodeSpan(span: CapturedSpan, partition_id: number): string {
  const state: State = [
    partition_id,
    span.call_id === null ? 0 : 1,
    span.opened,
    span.tool,
    span.has_call ? 1 : 0,
    span.call_ms,
    span.call_exact ? 1 : 0,
    span.result_ms,
    span.result_exact ? 1 : 0,
    span.hook_start_ms,
    span.hook_end_ms,
    span.outcome,
    span.span_id_hash,
    span.origin_id_hash,
    span.subagent_id_hash,
    span.owner_rank,
    ...span.path_hashes,
  ];
  return JSON.stringify(state);
}

/** The other way; also of a row that an earlier version wrote, as an object. */
export function decodeSpan({ span_key, state }: StoredSpan): KnownSpan {
  if (state.startsWith('{')) return JSON.parse(state) as KnownSpan;
  const [partition_id, key_is_call_id, opened, tool, has_call, call_ms, call_exact, result_ms, result_exact, ...rest] =
    JSON.parse(state) as State;
  const [hook_start_ms, hook_end_ms, outcome, span_id_hash, origin_id_hash, subagent_id_hash, owner_rank, ...paths] =
    rest;
  const span: CapturedSpan = {
    key: span_key,
    call_id: key_is_call_id === 1 ? span_key : null,
    opened,
    tool,
    has_call: has_call === 1,
    call_ms,
    call_exact: call_exact === 1,
    result_ms,
    result_exact: result_exact === 1,
    hook_start_ms,
    hook_end_ms,
    outcome,
    path_hashes: paths,
    span_id_hash,
    origin_id_hash,
    subagent_id_hash,
    owner_rank,
  };
  return { partition_id, span };
}
