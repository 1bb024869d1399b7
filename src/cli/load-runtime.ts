import type { Runtime } from './runtime.ts';

/** The real runtime. Each part is loaded when it is called: a status needs no web server. */
export async function loadRuntime(): Promise<Runtime> {
  return {
    connectOperator: async (options) => (await import('../runtime/connect.ts')).connectOperator(options),
    runDaemon: async (options) => (await import('../runtime/daemon.ts')).runDaemon(options),
    agentPlaces: async (env) => (await import('../runtime/agent-places.ts')).agentPlaces(env),
  };
}
