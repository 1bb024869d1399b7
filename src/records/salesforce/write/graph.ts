/** Parents and children that are created in one go: Composite Graph (records specification §12.6). */
import { z } from 'zod';
import type { FieldMapping, ObjectMapping } from '../../model/mapping.ts';
import type { SalesforceFailure, SalesforceResult } from '../../sides.ts';
import { classify, failure, readErrors } from '../failure.ts';
import type { SalesforceTransport } from '../transport.ts';
import { requestOf } from './rest.ts';
import { type Row, failed, judge } from './row.ts';

const MAX_GRAPHS = 75;
const MAX_NODES = 500;
const MAX_DEPTH = 15;
const MAX_KINDS = 15;

/** A row of a call, and the rows of the same call that it refers to. */
export interface Node {
  readonly mapping: ObjectMapping;
  readonly row: Row;
  readonly parents: ReadonlyMap<FieldMapping, Node>;
}

/** Finds who refers to whom: a reference whose value is the key of a row of the mapping that it points to. */
export function nodesOf(rows: readonly { readonly mapping: ObjectMapping; readonly row: Row }[]): Node[] {
  const parents = new Map<Row, Map<FieldMapping, Node>>();
  const nodes = rows.map(({ mapping, row }): Node => {
    const own = new Map<FieldMapping, Node>();
    parents.set(row, own);
    return { mapping, row, parents: own };
  });
  const by_key = new Map(nodes.map((node) => [`${node.mapping.name} ${node.row.write.key}`, node]));
  for (const node of nodes) {
    if (node.row.action === 'delete') continue;
    for (const field of node.mapping.fields) {
      const value = node.row.write.fields[field.name];
      if (field.references === null || typeof value !== 'string') continue;
      const parent = by_key.get(`${field.references} ${value}`);
      if (parent !== undefined && parent !== node && parent.row.action === 'create')
        parents.get(node.row)?.set(field, parent);
    }
  }
  return nodes;
}

/**
 * How far down each node stands: 0 refers to none of the others. Nodes that refer to one another in a ring have no
 * order; they come last, where a missing parent says so.
 */
export function levelsOf(nodes: readonly Node[]): Node[][] {
  const among = new Set(nodes);
  const levels: Node[][] = [];
  let left = [...nodes];
  while (left.length > 0) {
    const waiting = new Set(left);
    const ready = left.filter(({ parents }) =>
      [...parents.values()].every((parent) => !among.has(parent) || !waiting.has(parent)),
    );
    const level = ready.length > 0 ? ready : left;
    levels.push(level);
    const done = new Set(level);
    left = left.filter((node) => !done.has(node));
  }
  return levels;
}

/** Families of nodes that refer to each other, and the nodes that have none. */
export function familiesOf(nodes: readonly Node[]): { families: Node[][]; alone: Node[] } {
  const head = new Map<Node, Node>(nodes.map((node) => [node, node]));
  const find = (node: Node): Node => {
    let top = node;
    for (let next = head.get(top); next !== undefined && next !== top; next = head.get(top)) top = next;
    head.set(node, top);
    return top;
  };
  for (const node of nodes) for (const parent of node.parents.values()) head.set(find(node), find(parent));
  const groups = [...Map.groupBy(nodes, find).values()];
  return {
    families: groups.filter(({ length }) => length > 1),
    alone: groups.filter(({ length }) => length === 1).flat(),
  };
}

/** Whether a family can go as one graph: within the limits, and without a text that a graph would take for a reference. */
export function fitsGraph(family: readonly Node[]): boolean {
  const levels = levelsOf(family);
  const kinds = new Set(family.map(({ mapping }) => mapping.salesforce.object));
  const ring = levels.some((level) =>
    level.some(({ parents }) => [...parents.values()].some((parent) => level.includes(parent))),
  );
  const speaks = family.some(({ row }) => JSON.stringify(row.body).includes('@{'));
  return family.length <= MAX_NODES && levels.length <= MAX_DEPTH && kinds.size <= MAX_KINDS && !ring && !speaks;
}

const answer = z.object({
  graphs: z.array(
    z.object({
      graphId: z.string(),
      isSuccessful: z.boolean(),
      graphResponse: z.object({
        compositeResponse: z.array(
          z.object({ referenceId: z.string(), httpStatusCode: z.number(), body: z.unknown() }),
        ),
      }),
    }),
  ),
});
const upserted = z.object({ id: z.string(), created: z.boolean().optional() });

/**
 * Writes families, each whole or not at all. A row that is `rolled_back` is innocent: another of its family failed. Never
 * throws for what Salesforce refuses.
 */
export async function writeGraphs(
  transport: SalesforceTransport,
  families: readonly (readonly Node[])[],
  signal: AbortSignal,
): Promise<Map<Row, SalesforceResult>> {
  const results = new Map<Row, SalesforceResult>();
  for (const call of callsOf(families)) {
    const names = new Map(call.flat().map((node, place) => [node, `n${place}`]));
    const graphs = call.map((family, place) => ({
      graphId: `g${place}`,
      compositeRequest: levelsOf(family)
        .flat()
        .map((node) => subrequest(transport, node, names)),
    }));
    const answered = await transport.call(
      { method: 'POST', path: '/composite/graph', body: { graphs }, reads: false },
      signal,
    );
    const parsed = answered.ok ? answer.safeParse(answered.body) : null;
    const lost = answered.ok ? failure('unknown', 'short_answer') : alone(answered.failure);
    const told = new Map(parsed?.data?.graphs.map((graph) => [graph.graphId, graph]));
    call.forEach((family, place) => {
      const graph = told.get(`g${place}`);
      for (const node of family) results.set(node.row, resultOf(node, { graph, name: names.get(node) ?? '', lost }));
    });
  }
  return results;
}

/** A call that Salesforce cannot take as a whole says nothing of its rows: they go another way. */
function alone(told: SalesforceFailure): SalesforceFailure {
  return told.class === 'permanent' ? failure('rolled_back', told.code) : told;
}

/** As many families a call as it may hold. */
function callsOf(families: readonly (readonly Node[])[]): (readonly Node[])[][] {
  const calls: (readonly Node[])[][] = [];
  let nodes = Infinity;
  for (const family of families) {
    const last = calls.at(-1);
    if (last === undefined || last.length >= MAX_GRAPHS || nodes + family.length > MAX_NODES) {
      calls.push([family]);
      nodes = family.length;
    } else {
      last.push(family);
      nodes += family.length;
    }
  }
  return calls;
}

/** A parent of the same graph is named by what its own request will answer; that also sets the order. */
function subrequest(transport: SalesforceTransport, node: Node, names: ReadonlyMap<Node, string>): object {
  const { method, path } = requestOf(node.mapping, node.row);
  const body: Record<string, unknown> = { ...node.row.body };
  for (const [field, parent] of node.parents) {
    if (field.relationship !== null) delete body[field.relationship.name];
    body[field.salesforce] = `@{${names.get(parent)}.id}`;
  }
  return { method, url: `${transport.base}${path}`, referenceId: names.get(node), body };
}

type Graph = z.output<typeof answer>['graphs'][number];

function resultOf(
  { row }: Node,
  { graph, name, lost }: { graph: Graph | undefined; name: string; lost: SalesforceFailure },
): SalesforceResult {
  const reply = graph?.graphResponse.compositeResponse.find(({ referenceId }) => referenceId === name);
  if (graph === undefined || reply === undefined) return failed(lost);
  if (reply.httpStatusCode >= 300) return judge(row, classify(reply.httpStatusCode, readErrors(reply.body)));
  if (!graph.isSuccessful) return failed(failure('rolled_back', 'PROCESSING_HALTED'));
  const id = upserted.safeParse(reply.body).data?.id ?? (row.target.by === 'id' ? row.target.id : null);
  if (id === null) return failed(failure('unknown', 'no_id'));
  return { kind: 'done', id, created: upserted.safeParse(reply.body).data?.created ?? reply.httpStatusCode === 201 };
}
