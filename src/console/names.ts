/** How things are called on a page. */

const AGENTS: Readonly<Record<string, string>> = { claude: 'Claude Code', codex: 'Codex', cursor: 'Cursor' };

/** An agent's name as its makers write it; the wire's name where it is another. */
export function agentName(agent: string): string {
  return AGENTS[agent] ?? agent;
}

/** The beginning of a session's hash, enough to tell it from others and to give to a command. */
export function shortSession(session: string): string {
  return session.replace(/^blake3:/, '').slice(0, 12);
}

/** The address of a session's page. */
export function sessionHref(session: string): string {
  return `/sessions/${encodeURIComponent(session.replace(/^blake3:/, ''))}`;
}

/** `local` is the store on this machine, which is a destination like others and the only one there always is. */
export function destinationName(destination: string): string {
  return destination === 'local' ? 'This machine' : destination;
}
