import type { Runtime } from './runtime.ts';

/** The real runtime, loaded when a command needs it. */
export async function loadRuntime(): Promise<Runtime> {
  const [{ connectOperator }, { runDaemon }, { agentPlaces }] = await Promise.all([
    import('../runtime/connect.ts'),
    import('../runtime/daemon.ts'),
    import('../runtime/agent-places.ts'),
  ]);
  return { connectOperator, runDaemon, agentPlaces };
}
