/**
 * `GET /api/v1/approvals/stream`: what waits for a yes, as it is asked and decided, on this member or on another (server-sent
 * events). Whoever connects is told first of all that waits now, so that nothing is missed between two connections.
 */
import { pendingJson } from '../../memory/http/memory-json.ts';
import type { PendingAction } from '../../memory/memory.ts';
import { Refusal } from '../http/refusal.ts';
import type { MemoryRequest, MemoryRoute } from './memory-request.ts';

export const MEMORY_APPROVALS: readonly MemoryRoute[] = [
  {
    ...{ method: 'GET', path: '/api/v1/approvals/stream', needs: 'read', handle: stream },
    summary: 'What waits for a yes, as server-sent events approval_requested and approval_decided',
  },
];

/** Streams at the same time: each reads the pending actions after a commit. */
const MOST_STREAMS = 32;
/** As many as `GET /pending` gives. */
const MOST_PENDING = 1000;
let streams = 0;

/** @throws Refusal 429 `streams` */
async function stream(request: MemoryRequest): Promise<Response> {
  if (streams >= MOST_STREAMS)
    throw new Refusal(429, 'streams', `There are ${MOST_STREAMS} streams of approvals already`, {
      headers: { 'retry-after': '30' },
    });
  const body = new ReadableStream<Uint8Array>({ start: (out) => follow(request, out) });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } });
}

/** Until the client has gone, the server stops, or the token no longer stands. */
function follow(request: MemoryRequest, out: ReadableStreamDefaultController<Uint8Array>): void {
  const { ended } = request;
  const told = new Map<string, string>();
  const encoder = new TextEncoder();
  let [reading, again] = [false, false];
  streams++;
  const say = (text: string): void => out.enqueue(encoder.encode(text));
  const look = async (): Promise<void> => {
    if (reading) return void (again = true);
    reading = true;
    do {
      again = false;
      if (ended.aborted || !request.isStillAllowed()) return end();
      for (const event of news(await request.access.pending({ limit: MOST_PENDING }), told))
        if (!ended.aborted) say(event);
    } while (again);
    reading = false;
  };
  const stop = request.served.onChange(() => void look().catch(end));
  let is_over = false;
  function end(): void {
    if (is_over) return;
    is_over = true;
    streams--;
    stop();
    ended.removeEventListener('abort', end);
    try {
      out.close();
    } catch {
      // The client has gone: its side is closed already.
    }
  }
  ended.addEventListener('abort', end, { once: true });
  say('retry: 5000\n\n');
  void look().catch(end);
}

/** What was not told yet. One that was decided before anybody was told that it waits is no news. */
function news(actions: readonly PendingAction[], told: Map<string, string>): string[] {
  const events: string[] = [];
  for (const action of [...actions].reverse()) {
    const { id, status } = action;
    const before = told.get(id);
    if (before === status || (before === undefined && status !== 'pending')) continue;
    told.set(id, status);
    const name = status === 'pending' ? 'approval_requested' : 'approval_decided';
    events.push(`event: ${name}\nid: ${id}\ndata: ${JSON.stringify(pendingJson(action))}\n\n`);
  }
  return events;
}
