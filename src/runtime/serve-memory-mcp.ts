/** `memory mcp`: the memory server on this process's standard streams, where nothing but the protocol may be written. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { MemoryAccess } from '../memory/memory-access.ts';
import { memoryServer } from '../memory/mcp/memory-server.ts';
import { toolsOf } from '../memory/mcp/tool-sets.ts';
import { SynclineError } from '../platform/errors.ts';
import { systemRandom } from '../platform/random.ts';
import { systemTimers } from '../platform/timers.ts';
import { programVersion } from '../platform/version.ts';
import { connectMemories, type MemoryConnectOptions } from './connect-memories.ts';

/** For an answer that is ready to reach the stream. */
const ANSWERED_MS = 20;

export interface MemoryMcpOptions {
  connect: MemoryConnectOptions;
  /** A set of tools, or families with commas. */
  tools: string | undefined;
  read_only: boolean;
  agent_id: string | null;
  session_id: string | undefined;
  /** Ends it; so does the end of the input. */
  signal: AbortSignal;
}

/**
 * Serves until the client goes away. Memories are connected for each call, so that neither the directory nor a connection is
 * held while the agent thinks: Syncline may be started, stopped and upgraded meanwhile.
 * @throws UsageError `mcp.tools`
 */
export async function serveMemoryMcp(options: MemoryMcpOptions): Promise<void> {
  const { connect, agent_id, session_id, signal } = options;
  const calls = new Set<Promise<unknown>>();
  const server = memoryServer({
    withAccess: async (use) => {
      const call = connected(connect, use);
      calls.add(call);
      return call.finally(() => calls.delete(call));
    },
    random: systemRandom,
    version: programVersion(),
    tools: toolsOf(options.tools),
    may_write: !options.read_only,
    agent_id,
    ...(session_id === undefined ? {} : { session_id }),
    onDefect: (error) => process.stderr.write(`syncline: ${codeOf(error)}\n`),
  });
  const ended = new Promise<void>((resolve) => {
    server.onclose = resolve;
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.connect(new StdioServerTransport());
  await ended;
  // What a client asked for before it closed its end is still answered.
  await Promise.allSettled(calls);
  await systemTimers.sleep(ANSWERED_MS);
  await server.close();
}

async function connected<T>(connect: MemoryConnectOptions, use: (access: MemoryAccess) => Promise<T>): Promise<T> {
  await using access = await connectMemories(connect);
  return await use(access);
}

/** The code alone: a message may hold something of a memory. */
function codeOf(error: unknown): string {
  return error instanceof SynclineError ? error.code : error instanceof Error ? error.name : 'unknown';
}
