import type { TranscriptFile } from '../source.ts';
import type { ConversationLines } from './conversation-lines.ts';
import { agentsBySidecar } from './subagent-sidecars.ts';

/** Native id of a subagent's session, which is its file's name: agentsview's id for it, too (sessions specification §2.3). */
export function subagentNativeId(subagent_id: string): string {
  return subagent_id.startsWith('agent-') ? subagent_id : `agent-${subagent_id}`;
}

/** Which call started which subagent, by the evidence of §2.9 in its order. */
export class SubagentLinks {
  readonly #file: TranscriptFile;
  readonly #lines: ConversationLines;
  #sidecars: Promise<Map<string, string>> | null = null;

  constructor(file: TranscriptFile, lines: ConversationLines) {
    this.#file = file;
    this.#lines = lines;
  }

  /** Native id of the subagent of a call, or null. `told`: the id in the call's result. */
  async of(tool_use_id: string | null, told: string | null, category: string): Promise<string | null> {
    const agent_id = told ?? (await this.#found(tool_use_id, category));
    return agent_id === null ? null : subagentNativeId(agent_id);
  }

  async #found(tool_use_id: string | null, category: string): Promise<string | null> {
    // Commands in the background have tasks, too, which are no subagents.
    if (tool_use_id === null || category !== 'Task') return null;
    const { agents_by_progress, agents_by_notice } = this.#lines;
    const known = agents_by_progress.get(tool_use_id) ?? agents_by_notice.get(tool_use_id);
    if (known !== undefined) return known;
    this.#sidecars ??= agentsBySidecar(this.#file);
    return (await this.#sidecars).get(tool_use_id) ?? null;
  }
}
