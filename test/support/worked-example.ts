/** The worked example of the agents specification §2.11 as files of a machine, and its figures. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAfter } from './growth.ts';
import type { Machine } from './machine.ts';

const FOLDER = fileURLToPath(new URL('../../src/agents/claude/fixtures/worked-example/', import.meta.url));

/** Oldest first: of two files that hold the same turn, the one that was there first owns it. */
export const WORKED_EXAMPLE_FILES = ['S1.jsonl', 'S1/subagents/agent-ag1.jsonl', 'S2.jsonl'].map((name) =>
  join('-home-ada-shop', name),
);

export function placeWorkedExample(machine: Machine): void {
  let birth_ms = 0;
  for (const name of WORKED_EXAMPLE_FILES) {
    const file = join(machine.projects, name);
    birth_ms = createAfter(file, birth_ms);
    appendFileSync(file, readFileSync(join(FOLDER, name)));
  }
}

/** The machine's totals: each response once, at its final figures. */
export const WORKED_EXAMPLE_TOTAL = {
  sessions: 2,
  tokens_in: 29,
  tokens_out: 255,
  cache_read_tokens: 4400,
  cache_write_tokens: 1500,
  cost_usd: 0.019889,
  tool_calls: 3,
  tool_failures: 1,
};
