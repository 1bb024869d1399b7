import type { History, Read, Written } from './history.ts';
import type { SimulatedMachine } from './machine.ts';

export interface Cluster {
  history: History;
  cluster: readonly SimulatedMachine[];
}

/** What the end of a run must show; one sentence for each promise that is broken. */
export async function judgeMemory({ history, cluster }: Cluster): Promise<string[]> {
  const broken = await convergence(cluster, history);
  const first = cluster[0];
  if (!first) return broken;
  const { memories } = first.running;
  const archived = new Map((await memories.archived({ limit: 1000 })).map(({ id, content }) => [id, content]));
  for (const [id, writes] of byId(history)) {
    const content = (await memories.get(id))?.content ?? archived.get(id) ?? null;
    broken.push(...setFull(history, id, writes, content));
  }
  for (const read of history.reads) broken.push(...register(history, read));
  return broken;
}

/** P6: equal vectors, equal bytes, equal roots; no place with two operations (R6). */
async function convergence(cluster: readonly SimulatedMachine[], { forks }: History): Promise<string[]> {
  const broken: string[] = [];
  const exports = [];
  const operations = new Map<string, { text: string; index: number }>();
  for (const { index, running } of cluster) {
    const { replica } = running.memories;
    const lines: string[] = [];
    for await (const line of replica.canonical()) lines.push(line);
    exports.push({ index, text: lines.join('\n'), root: replica.root() });
    for (const [origin, last] of Object.entries(replica.vector())) {
      const page = await replica.read(origin, 0);
      for (const [i, text] of (page?.operations ?? []).entries()) {
        const place = `${origin}:${i + 1}`;
        const before = operations.get(place);
        if (before && before.text !== text && i >= (forks.get(origin) ?? Infinity)) continue;
        // One of which a member has forgotten what it said, because the memory is deleted, is an empty text there.
        if (before && before.text !== text && before.text !== '' && text !== '')
          broken.push(`${place} is two operations, at ${before.index} and ${index} (R6)`);
        if (text !== '' || !before) operations.set(place, { text, index });
        if (i >= last) broken.push(`${place} at ${index} is beyond its vector`);
      }
    }
  }
  for (const { index, text, root } of exports) {
    if (text !== exports[0]?.text)
      broken.push(`${index} differs from ${exports[0]?.index}: ${difference(text, exports[0]?.text ?? '')} (P6)`);
    else if (root !== exports[0]?.root) broken.push(`${index} has another root than ${exports[0]?.index}`);
  }
  return broken;
}

function difference(a: string, b: string): string {
  const [left, right] = [a.split('\n'), b.split('\n')];
  const only = left.filter((line) => !right.includes(line)).slice(0, 2);
  const others = right.filter((line) => !left.includes(line)).slice(0, 2);
  return `${only.join(' ; ')} against ${others.join(' ; ')}`;
}

function byId(history: History): Map<string, Written[]> {
  const ids = new Map<string, Written[]>();
  for (const write of history.writes) ids.set(write.id, [...(ids.get(write.id) ?? []), write]);
  return ids;
}

/** No acknowledged write is lost while one of its disks was kept, no acknowledged delete undone but by a later store. */
function setFull(history: History, id: string, writes: readonly Written[], content: string | null): string[] {
  const stores = writes.filter(({ kind }) => kind === 'store');
  const deletes = writes.filter(({ kind }) => kind === 'delete');
  const kept = writes.filter((write) => write.acknowledged && write.operation !== null && history.isKept(write));
  const broken: string[] = [];
  // A delete whose client heard nothing may have happened; so may a store.
  const lost = kept.find((write) => write.kind === 'store' && deletes.length === 0);
  if (lost && content === null)
    broken.push(`${id}, stored by ${lost.operation} on ${lost.acknowledged?.on.join()}, is lost (set-full)`);
  const deleted = kept.filter(({ kind }) => kind === 'delete');
  for (const gone of deleted) {
    const again = stores.some((store) => store !== gone && !history.happenedAfter(gone, store));
    if (!again && content !== null) broken.push(`${id}, deleted by ${gone.operation}, is back (set-full)`);
  }
  if (content === null) return broken;
  const winner = history.writeOf(id, content);
  if (!winner) return [...broken, `${id} holds ${content}, which nobody wrote`];
  const later = kept.find((write) => write.value !== '' && write !== winner && history.happenedAfter(write, winner));
  if (later && winner.operation !== null)
    broken.push(`${id} holds ${content} of ${winner.operation}, though ${later.operation} came after it (register)`);
  return broken;
}

/** A read is never older than what it had to be as new as. */
function register(history: History, { machine, id, value, level, floor }: Read): string[] {
  const read = value === null ? undefined : history.writeOf(id, value);
  if (value !== null && !read) return [`${machine} read ${value} of ${id}, which nobody wrote (register)`];
  if (!read) return [];
  return floor
    .map((number) => history.writes[number])
    .filter((write): write is Written => write !== undefined && write.value !== '' && write !== read)
    .filter((write) => history.happenedAfter(write, read))
    .map((write) => `${machine} read ${value} of ${id} (${level}) though it had to see ${write.value} (register)`);
}
