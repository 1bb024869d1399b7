import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TranscriptFile } from '../source.ts';
import { isObject, stringField } from './field.ts';
import { toolResultsFolder } from './persisted-output.ts';

/** A sidecar holds a line or two. */
const MAX_SIDECAR_BYTES = 64 * 1024;
const MAX_SIDECARS = 1000;

/** What `agent-<id>.meta.json` says of a subagent beside its transcript (§2.9); null: not told. */
export interface Sidecar {
  agent_type: string | null;
  description: string | null;
  tool_use_id: string | null;
}

/** The sidecar of a subagent's file, or null when there is none that can be read. */
export async function sidecarOf(file: TranscriptFile): Promise<Sidecar | null> {
  return readSidecar(file.path.replace(/\.jsonl$/, '.meta.json'));
}

/** Ids of the subagents of a session by the id of the call that started them, as far as their sidecars tell. */
export async function agentsBySidecar(file: TranscriptFile): Promise<Map<string, string>> {
  const agents = new Map<string, string>();
  const results = toolResultsFolder(file);
  if (results === null) return agents;
  const folder = join(dirname(results), 'subagents');
  for (const name of (await namesIn(folder)).slice(0, MAX_SIDECARS)) {
    const agent_id = /^agent-(.+)\.meta\.json$/.exec(name)?.[1];
    if (agent_id === undefined) continue;
    const sidecar = await readSidecar(join(folder, name));
    if (sidecar?.tool_use_id) agents.set(sidecar.tool_use_id, agent_id);
  }
  return agents;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return []; // a session without subagents; what cannot be read is told by discovery
  }
}

async function readSidecar(path: string): Promise<Sidecar | null> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > MAX_SIDECAR_BYTES) return null;
    const body: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isObject(body)) return null;
    return {
      agent_type: stringField(body, 'agentType'),
      description: stringField(body, 'description'),
      tool_use_id: stringField(body, 'toolUseId'),
    };
  } catch {
    return null; // older versions write none, and half a one tells nothing
  }
}
