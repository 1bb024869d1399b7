import { objectField, objectsField, stringField } from './field.ts';
import { messageOf, type ChainLine } from './line.ts';
import { isUniqueMessageId } from './response.ts';

/** Lines between a call and its result that are looked through. */
const MAX_CLIMB = 10_000;

/** What the tree needs of a line; every line with a `uuid` belongs in it, also `attachment`, `system`, `progress`. */
export interface TreeLine {
  type: string;
  uuid: string | null;
  parent_uuid: string | null;
  logical_parent_uuid: string | null;
  sidechain: boolean;
  meta: boolean;
  /** `message.id` of an assistant line. */
  message_id: string | null;
  /** Ids of the calls it makes and of those it answers. */
  tool_uses: string[];
  tool_results: string[];
  compact_summary: boolean;
  /** A compaction that kept the end of the talk as it was: what comes next hangs on that, not on the summary (§2.6). */
  keeps_tail: boolean;
}

export function treeLineOf(line: ChainLine): TreeLine {
  const { type, uuid, parent_uuid, logical_parent_uuid, sidechain, meta, compact_summary } = line;
  const compaction = objectField(line.body, 'compactMetadata');
  const message = messageOf(line);
  const blocks = message === null ? [] : objectsField(message, 'content');
  const idsOf = (block_type: string, key: string): string[] =>
    blocks.flatMap((block) => (block['type'] === block_type ? (stringField(block, key) ?? []) : []));
  return {
    type,
    uuid,
    parent_uuid,
    logical_parent_uuid,
    sidechain,
    meta,
    message_id: type === 'assistant' && message !== null ? stringField(message, 'id') : null,
    tool_uses: idsOf('tool_use', 'id'),
    tool_results: idsOf('tool_result', 'tool_use_id'),
    compact_summary,
    keeps_tail: compaction !== null && objectField(compaction, 'preservedSegment') !== null,
  };
}

/**
 * The lines of a file, in its order, that are its present conversation; a rewind leaves the others behind, paid but no
 * longer said (§2.7). These are the ancestors of the last line said, through a compaction to what was before it, with
 * every other piece of their responses and every result of their calls: parallel calls look like branches and are none.
 *
 * Returns indexes into `lines`.
 */
export function activeBranch(lines: readonly TreeLine[]): Set<number> {
  const parents = parentIndexes(lines);
  const branch = ancestors(parents, activeLeaf(lines));
  addPieces(lines, branch, parents);
  addResults(lines, branch);
  addCompactions(lines, branch, parents);
  return branch;
}

/**
 * Where the line that each one is said behind stands; -1: nowhere. A line whose parent is not in the file follows the one
 * before it. So does a result whose call is somewhere above that one: its `parentUuid` names the call, not the place.
 */
export function parentIndexes(lines: readonly TreeLine[]): number[] {
  const index_of = firstPlaces(lines);
  const parents: number[] = [];
  let before = -1;
  lines.forEach((line, index) => {
    const parent = line.parent_uuid ?? line.logical_parent_uuid;
    const known = parent === null ? -1 : (index_of.get(parent) ?? before);
    const late = line.tool_results.length > 0 && !line.sidechain && isAbove(parents, known, before);
    parents.push(late ? before : known);
    if (line.uuid !== null && !line.sidechain) before = index;
  });
  return parents;
}

/** A compaction may append its preserved tail again under the same ids: the first place is the true one. */
function firstPlaces(lines: readonly TreeLine[]): Map<string, number> {
  const index_of = new Map<string, number>();
  lines.forEach(({ uuid }, index) => {
    if (uuid !== null && !index_of.has(uuid)) index_of.set(uuid, index);
  });
  return index_of;
}

function isAbove(parents: readonly number[], ancestor: number, index: number): boolean {
  if (ancestor === -1) return false;
  let at = index;
  for (let steps = 0; at > ancestor && steps < MAX_CLIMB; steps++) at = parents[at] ?? -1;
  return at === ancestor;
}

/**
 * The last line said in the main conversation, or -1. A result says where its call stands, not where the talk is: that of
 * a long task comes hundreds of messages later, or after the call was rewound.
 */
function activeLeaf(lines: readonly TreeLine[]): number {
  const isSaid = (line: TreeLine): boolean =>
    line.uuid !== null && !line.sidechain && !line.meta && (line.type === 'user' || line.type === 'assistant');
  const leaf = lines.findLastIndex((line) => isSaid(line) && line.tool_results.length === 0);
  return leaf === -1 ? lines.findLastIndex(isSaid) : leaf;
}

function ancestors(parents: readonly number[], leaf: number): Set<number> {
  const branch = new Set<number>();
  for (let index = leaf; index !== -1 && !branch.has(index);) {
    branch.add(index);
    index = parents[index] ?? -1;
  }
  return branch;
}

/** Ids that gateways use again name another response on another branch (R4): there only the chain tells. */
function addPieces(lines: readonly TreeLine[], branch: Set<number>, parents: readonly number[]): void {
  const message_ids = new Set<string>();
  for (const index of branch) {
    const id = lines[index]?.message_id;
    if (id && isUniqueMessageId(id)) message_ids.add(id);
  }
  lines.forEach((line, index) => {
    if (line.message_id === null || line.sidechain || branch.has(index)) return;
    const before = parents[index] ?? -1;
    const continues = branch.has(before) && lines[before]?.message_id === line.message_id;
    if (continues || message_ids.has(line.message_id)) branch.add(index);
  });
}

function addResults(lines: readonly TreeLine[], branch: Set<number>): void {
  const tool_uses = new Set([...branch].flatMap((index) => lines[index]?.tool_uses ?? []));
  lines.forEach((line, index) => {
    if (!line.sidechain && line.tool_results.some((id) => tool_uses.has(id))) branch.add(index);
  });
}

/** Compactions that kept the end of the talk, where the talk went on behind them: no later line leads to them. */
function addCompactions(lines: readonly TreeLine[], branch: Set<number>, parents: readonly number[]): void {
  let last = -1;
  for (const index of branch) last = Math.max(last, index);
  lines.forEach((line, index) => {
    if (index > last || line.sidechain || branch.has(index)) return;
    const before = parents[index] ?? -1;
    if (!branch.has(before)) return;
    if (line.keeps_tail || (line.compact_summary && lines[before]?.keeps_tail)) branch.add(index);
  });
}
