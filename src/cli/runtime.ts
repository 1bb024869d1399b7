/** What the command line needs of `src/runtime`, as one type, so that every command can be tested without it. */
import type { AgentPlace, agentPlaces } from '../runtime/agent-places.ts';
import type { Environment } from '../config/environment.ts';
import type { ConnectOptions, connectOperator } from '../runtime/connect.ts';
import type { connectMemories } from '../runtime/connect-memories.ts';
import type { runDaemon } from '../runtime/daemon.ts';
import type { DaemonOptions } from '../runtime/daemon-options.ts';
import type { serveMemoryMcp } from '../runtime/serve-memory-mcp.ts';
import type { SessionPlace } from '../runtime/session-places.ts';

export type { AgentPlace, ConnectOptions, DaemonOptions, SessionPlace };

export interface Runtime {
  connectOperator: typeof connectOperator;
  connectMemories: typeof connectMemories;
  serveMemoryMcp: typeof serveMemoryMcp;
  runDaemon: typeof runDaemon;
  agentPlaces: typeof agentPlaces;
  sessionPlaces: (env: Environment, now_ms: number) => Promise<SessionPlace[]>;
}

/** The real one. Each part is loaded when it is called: `status` does not pay for the server. */
export const runtime: Runtime = {
  connectOperator: async (options) => (await import('../runtime/connect.ts')).connectOperator(options),
  connectMemories: async (options) => (await import('../runtime/connect-memories.ts')).connectMemories(options),
  serveMemoryMcp: async (options) => (await import('../runtime/serve-memory-mcp.ts')).serveMemoryMcp(options),
  runDaemon: async (options) => (await import('../runtime/daemon.ts')).runDaemon(options),
  agentPlaces: async (env) => (await import('../runtime/agent-places.ts')).agentPlaces(env),
  sessionPlaces: async (env, now_ms) => (await import('../runtime/session-places.ts')).sessionPlaces(env, now_ms),
};
