const NAMES: Readonly<Record<string, string>> = { claude: 'Claude Code', codex: 'Codex', cursor: 'Cursor' };

/** An agent's name as its makers write it; the wire's name where it is unknown. */
export function agentName(agent: string): string {
  return NAMES[agent] ?? agent;
}
