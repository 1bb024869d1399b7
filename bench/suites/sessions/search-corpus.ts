import type { ConversationMessage } from '../../../src/agents/conversation.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { SearchQuery } from '../../../src/sessions/store/session-store.ts';
import type { TranscriptHead } from '../../../src/sessions/store/transcript.ts';
import { cleanMessages } from './messages.ts';
import { RANKS, ZipfDraw } from './zipf-draw.ts';

export interface CorpusSession {
  name: string;
  over: Partial<TranscriptHead>;
  messages: ConversationMessage[];
}

const FIRST_MS = Date.parse('2025-09-01T08:00:00Z');
const DAY_MS = 86_400_000;
const PROJECTS = 24;
const SESSIONS_A_DAY = 4;

/** Sessions of many projects over months, until there are that many messages. The same each time. */
export function* searchCorpus(messages: number): Generator<CorpusSession> {
  const draw = new ZipfDraw(seededRandom(1));
  for (let count = 0, i = 0; count < messages; i++) {
    const size = Math.min(messages - count, draw.skewed(100, 4, 2_000));
    count += size;
    const started_at_ms = FIRST_MS + Math.floor(i / SESSIONS_A_DAY) * DAY_MS;
    const project = `github.com/acme/project-${draw.integer(0, PROJECTS - 1)}`;
    yield { name: `session-${i}`, over: { project, started_at_ms }, messages: cleanMessages(draw, size) };
  }
}

/** Kinds of queries, in the shares in which they are asked here. */
const KINDS = ['rare', 'rare', 'rare', 'middle', 'middle', 'frequent', 'pair', 'phrase', 'phrase', 'name'] as const;

export interface CorpusQuery {
  kind: (typeof KINDS)[number];
  query: SearchQuery;
}

/** What is looked for: single words of all frequencies, two words, phrases and names of the corpus; a third with a filter. */
export function searchQueries(count: number): CorpusQuery[] {
  const draw = new ZipfDraw(seededRandom(3));
  const said = saidInCorpus();
  return Array.from({ length: count }, (_, i): CorpusQuery => {
    const kind = KINDS[i % KINDS.length] ?? 'rare';
    return { kind, query: { text: textOf(kind, draw, said), ...filterOf(i, draw) } };
  });
}

function textOf(kind: CorpusQuery['kind'], draw: ZipfDraw, said: readonly string[]): string {
  switch (kind) {
    case 'rare':
    case 'middle':
    case 'frequent':
      return draw.wordOfRank(RANKS[kind]);
    case 'pair':
      return `${draw.wordOfRank(RANKS.frequent)} ${draw.wordOfRank(RANKS.middle)}`;
    case 'phrase': {
      const from = draw.integer(0, said.length - 4);
      return `"${said.slice(from, from + draw.integer(2, 3)).join(' ')}"`;
    }
    case 'name':
      return said.filter((word) => /[A-Z_]/.test(word))[draw.integer(0, 40)] ?? draw.codeName();
  }
}

function filterOf(i: number, draw: ZipfDraw): Partial<SearchQuery> {
  if (i % 3 !== 0) return {};
  if (draw.chance(0.4)) return { project: `github.com/acme/project-${draw.integer(0, PROJECTS - 1)}` };
  if (draw.chance(0.5)) return { scopes: ['message', 'title'] };
  return { since_ms: FIRST_MS + draw.integer(20, 120) * DAY_MS };
}

/** Words as they follow each other in the first sessions. */
function saidInCorpus(): string[] {
  const texts = [...searchCorpus(300)].flatMap(({ messages }) => messages.map(({ content }) => content));
  return texts.flatMap((text) => text.split(/[ .]+/));
}
