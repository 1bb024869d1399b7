/**
 * In which conversation a tool is called (R20). MCP itself does not say; these clients do: Codex (`_meta.threadId`, and
 * `_meta["x-codex-turn-metadata"].session_id` in older ones), VS Code (`_meta["vscode.conversationId"]`). Claude Code says it
 * to the programs of its Bash tool only (`CLAUDE_CODE_SESSION_ID`, from 2.1.132 on), so `memory mcp` also takes it from its
 * environment, or from `--session`.
 */
const MAX_CHARS = 200;

/** The session that a call's `_meta` names; undefined when it names none. */
export function sessionOfMeta(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (!meta) return undefined;
  const turn = meta['x-codex-turn-metadata'];
  const of_turn = typeof turn === 'object' && turn !== null ? (turn as { session_id?: unknown }).session_id : undefined;
  return [meta['threadId'], of_turn, meta['vscode.conversationId']].find(isSession);
}

/** The session that a process's environment names. */
export function sessionOfEnvironment(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return [env['SYNCLINE_SESSION'], env['CLAUDE_CODE_SESSION_ID']].find(isSession);
}

function isSession(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_CHARS && !/[\u0000-\u001f\u007f]/.test(value);
}
