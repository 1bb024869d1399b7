import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seededRandom } from '../../../src/platform/random.ts';
import { Conversation } from './conversation.ts';
import { Draw } from './words.ts';

export interface CorpusOptions {
  seed: number;
  sessions: number;
  /** Prompts of half of the sessions; a few have ten times as many. */
  prompts: number;
}

export interface Corpus {
  /** What `CLAUDE_CONFIG_DIR` is set to. */
  claude_config_dir: string;
  files: number;
  bytes: number;
}

const PROJECTS = 12;
const BEGAN_MS = Date.parse('2026-03-02T08:00:00Z');

/**
 * Writes a `~/.claude` as Claude Code leaves it: sessions in a dozen projects, some with subagents, some forked (their
 * file begins with the lines of another). The same seed gives the same bytes.
 */
export function writeTranscriptCorpus(folder: string, options: CorpusOptions): Corpus {
  const draw = new Draw(seededRandom(options.seed));
  const corpus: Corpus = { claude_config_dir: join(folder, '.claude'), files: 0, bytes: 0 };
  let forked_from: Conversation | null = null;
  for (let i = 0; i < options.sessions; i++) {
    const project = `project-${draw.integer(1, PROJECTS)}`;
    const cwd = `/home/ada/code/${project}`;
    const conversation: Conversation = new Conversation(draw, {
      cwd,
      began_ms: BEGAN_MS + i * 3_600_000,
      copied: forked_from,
    });
    for (let prompts = draw.skewed(options.prompts, 1, 400); prompts > 0; prompts--) conversation.addTurn();
    const place = join(corpus.claude_config_dir, 'projects', `-home-ada-code-${project}`);
    write(corpus, join(place, `${conversation.session_id}.jsonl`), conversation);
    for (const subagent of conversation.subagents)
      write(corpus, join(place, conversation.session_id, 'subagents', `agent-${subagent.agent_id}.jsonl`), subagent);
    forked_from = draw.chance(0.05) ? conversation : null;
  }
  return corpus;
}

function write(corpus: Corpus, path: string, conversation: Conversation): void {
  const text = conversation.text();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  utimesSync(path, conversation.now_ms / 1000, conversation.now_ms / 1000);
  corpus.files++;
  corpus.bytes += Buffer.byteLength(text);
}
