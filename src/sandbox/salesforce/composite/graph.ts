/** `POST /composite/graph`: many graphs of subrequests, each of them all or nothing (records.md §12.6). */
import { jsonBody, methodNotAllowed, type ApiReply } from '../http/exchange.ts';
import { OrgRefusal } from '../org/refusal.ts';
import type { Call } from '../rest/call.ts';
import { runTogether, type RunSubrequest } from './composite.ts';
import { haltedReply, referencesOf, subrequestsOf, type Subreply, type Subrequest } from './subrequest.ts';

const MAX_GRAPHS = 75;
const MAX_DEPTH = 15;
const MAX_NODES = 500;
/** Method, object and version. */
const MAX_KINDS = 15;
/** After so many failed ones the rest is not run. */
const MAX_FAILED = 14;

interface Graph {
  graph_id: string;
  subrequests: Subrequest[];
}

/** @throws OrgRefusal when the request as a whole is none or beyond a limit */
export function compositeGraph(call: Call, run: RunSubrequest): ApiReply {
  if (call.method !== 'POST') throw methodNotAllowed(call.method, 'POST');
  const graphs = graphsOf(jsonBody(call.request)['graphs']);
  let failed = 0;
  const results = graphs.map(({ graph_id, subrequests }) => {
    const replies =
      failed > MAX_FAILED
        ? subrequests.map(({ reference_id }) => haltedReply(reference_id, 'Too many graphs failed before this one'))
        : runTogether(call, subrequests, run);
    const isSuccessful = replies.every(({ httpStatusCode }) => httpStatusCode < 300);
    if (!isSuccessful) failed += 1;
    return resultOf(graph_id, replies, isSuccessful);
  });
  return { status: 200, json: { graphs: results } };
}

function resultOf(graphId: string, compositeResponse: Subreply[], isSuccessful: boolean): object {
  return { graphId, graphResponse: { compositeResponse }, isSuccessful };
}

function graphsOf(list: unknown): Graph[] {
  if (!Array.isArray(list) || list.length === 0) throw beyond('graphs must be an array with graphs');
  if (list.length > MAX_GRAPHS) throw beyond(`A request has at most ${MAX_GRAPHS} graphs`);
  const graphs = list.map(graphOf);
  const nodes = graphs.flatMap(({ subrequests }) => subrequests);
  if (nodes.length > MAX_NODES) throw beyond(`A request has at most ${MAX_NODES} nodes`);
  for (const { graph_id, subrequests } of graphs) {
    if (depthOf(subrequests) > MAX_DEPTH) throw beyond(`The graph ${graph_id} is deeper than ${MAX_DEPTH}`);
    if (new Set(subrequests.map(kindOf)).size > MAX_KINDS)
      throw beyond(`The graph ${graph_id} has more than ${MAX_KINDS} different kinds of nodes`);
  }
  return graphs;
}

function graphOf(given: unknown): Graph {
  const { graphId, compositeRequest } = (given ?? {}) as Record<string, unknown>;
  if (typeof graphId !== 'string' || graphId === '') throw beyond('A graph needs a graphId');
  const subrequests = subrequestsOf(compositeRequest);
  const other = subrequests.find((subrequest) => !isAllowed(subrequest));
  if (other) throw beyond(`${other.method} of this address is not allowed in a graph: ${other.reference_id}`);
  return { graph_id: graphId, subrequests };
}

/** Making a record; one record by id; one record by external id. */
function isAllowed({ method, url }: Subrequest): boolean {
  const path = /^\/services\/data\/v[\d.]+\/sobjects\/([^?]*)/.exec(url)?.[1]?.split('/') ?? [];
  if (path.length === 1) return method === 'POST';
  if (path.length === 2) return ['DELETE', 'GET', 'PATCH'].includes(method);
  return path.length === 3 && ['DELETE', 'GET', 'PATCH', 'POST'].includes(method);
}

function kindOf({ method, url }: Subrequest): string {
  return `${method} ${/^\/services\/data\/(v[\d.]+\/sobjects\/[^/?]*)/.exec(url)?.[1] ?? ''}`;
}

/** How many nodes stand on one another, each using what the one below it answered. */
function depthOf(subrequests: readonly Subrequest[]): number {
  const depths = new Map<string, number>();
  for (const subrequest of subrequests) {
    const below = referencesOf(subrequest).map((id) => depths.get(id) ?? 0);
    depths.set(subrequest.reference_id, 1 + Math.max(0, ...below));
  }
  return Math.max(0, ...depths.values());
}

function beyond(message: string): OrgRefusal {
  return new OrgRefusal('INVALID_INPUT', message);
}
