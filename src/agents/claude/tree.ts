import { objectsField, stringField } from './field.ts';
import { messageOf, type ChainLine } from './line.ts';

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
}

export function treeLineOf(line: ChainLine): TreeLine {
  const { type, uuid, parent_uuid, logical_parent_uuid, sidechain, meta } = line;
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
  };
}

/**
 * The lines of a file, in its order, that are its present conversation; a rewind leaves the others behind, paid but no
 * longer said (§2.7). These are the ancestors of the last line said, through a compaction to what was before it, with
 * every other piece of their responses and every result of their calls: parallel calls look like branches and are none.
 *
 * Returns indexes into `lines`. A line whose parent is not in the file (skipped, damaged) follows the one before it.
 */
export function activeBranch(lines: readonly TreeLine[]): Set<number> {
  const branch = ancestors(lines, activeLeaf(lines));
  const message_ids = new Set<string>();
  for (const index of branch) {
    const id = lines[index]?.message_id;
    if (id) message_ids.add(id);
  }
  const tool_uses = new Set<string>();
  lines.forEach((line, index) => {
    if (line.message_id !== null && message_ids.has(line.message_id) && !line.sidechain) branch.add(index);
    if (branch.has(index)) for (const id of line.tool_uses) tool_uses.add(id);
  });
  lines.forEach((line, index) => {
    if (!line.sidechain && line.tool_results.some((id) => tool_uses.has(id))) branch.add(index);
  });
  return branch;
}

/** The last line said in the main conversation, or -1. */
function activeLeaf(lines: readonly TreeLine[]): number {
  return lines.findLastIndex(
    (line) =>
      line.uuid !== null && !line.sidechain && !line.meta && (line.type === 'user' || line.type === 'assistant'),
  );
}

function ancestors(lines: readonly TreeLine[], leaf: number): Set<number> {
  const index_of = new Map<string, number>();
  // A compaction may append its preserved tail again under the same ids: the first place is the true one.
  lines.forEach(({ uuid }, index) => {
    if (uuid !== null && !index_of.has(uuid)) index_of.set(uuid, index);
  });
  const branch = new Set<number>();
  for (let index = leaf; index !== -1 && !branch.has(index);) {
    branch.add(index);
    index = parentIndex(lines, index, index_of);
  }
  return branch;
}

function parentIndex(lines: readonly TreeLine[], index: number, index_of: ReadonlyMap<string, number>): number {
  const line = lines[index];
  const parent = line?.parent_uuid ?? line?.logical_parent_uuid ?? null;
  if (parent === null) return -1;
  const known = index_of.get(parent);
  if (known !== undefined) return known;
  let before = index - 1;
  while (before >= 0 && (lines[before]?.uuid === null || lines[before]?.sidechain)) before--;
  return before;
}
