/** One process: masks a history of conversations and puts it into PostgreSQL, or only the rows of it by COPY. */
import type { ConversationMessage } from '../../../src/agents/conversation.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { invariant } from '../../../src/platform/errors.ts';
import { seededRandom, systemRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { endOfTurn } from '../../../src/platform/turns.ts';
import type { Hashing } from '../../../src/redaction/hash-forms.ts';
import { loadHashing } from '../../../src/redaction/hashing.ts';
import { maskSegment } from '../../../src/sessions/masking/mask-message.ts';
import { createMasker, type Masker } from '../../../src/sessions/masking/masker.ts';
import { bodiesOf } from '../../../src/sessions/store/message-bodies.ts';
import { turnOf } from '../../../src/sessions/store/message-texts.ts';
import { PostgresSessionStore } from '../../../src/sessions/store/postgres/postgres-session-store.ts';
import type { TranscriptPut } from '../../../src/sessions/store/transcript.ts';
import { Postgres } from '../../../src/storage/postgres/postgres.ts';
import { answer, processInput } from '../../measured-process.ts';
import { Draw } from '../telemetry/words.ts';
import { cleanMessages } from './messages.ts';
import { TEAM, segmentsOf, transcriptPut } from './transcripts.ts';

export interface BackfillInput {
  url: string;
  sessions: number;
  by: 'store' | 'copy';
}

export interface BackfillFigures {
  rows: number;
  seconds: number;
}

/** Sessions of one transaction. While PostgreSQL writes some, the next ones are masked. */
const SESSIONS_AT_ONCE = 8;
const TRANSACTIONS_AT_ONCE = 4;

type Conversation = readonly ConversationMessage[];

/** As delivery makes it, masked. */
function maskedPut(hashing: Hashing, masker: Masker, name: string, conversation: Conversation): TranscriptPut {
  const segments = segmentsOf(conversation).map((segment) => maskSegment(masker, segment, new Map()));
  return transcriptPut(hashing, name, segments);
}

/** Each conversation is read from its bytes when its turn comes, as from a file: a heap of all of them would be measured, too. */
async function byStore(url: string, sources: readonly Buffer[]): Promise<number> {
  const hashing = await loadHashing();
  const salt = seededRandom(2).bytes(32);
  const masker = createMasker({
    hashing,
    salt,
    workspace: 'github.com/acme/web',
    root: '/home/ada/web',
    clock: systemClock,
  });
  const store = await PostgresSessionStore.open({
    url,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
  });
  const seconds = await timed(async () => {
    const writing = new Set<Promise<void>>();
    for (let first = 0; first < sources.length; first += SESSIONS_AT_ONCE) {
      const puts: TranscriptPut[] = [];
      for (const [i, source] of sources.slice(first, first + SESSIONS_AT_ONCE).entries()) {
        // As with a file: what PostgreSQL answers meanwhile is heard before the next one is read.
        await endOfTurn();
        puts.push(maskedPut(hashing, masker, `session-${first + i}`, JSON.parse(source.toString()) as Conversation));
      }
      while (writing.size >= TRANSACTIONS_AT_ONCE) await Promise.race(writing);
      const written = writeAll(store, puts).finally(() => writing.delete(written));
      writing.add(written);
    }
    await Promise.all(writing);
  });
  const { total } = await store.search({ team_id: TEAM }, { text: 'parse' }, { limit: 1, after: null });
  invariant(total > 0, 'what was acknowledged is found');
  await store.close();
  return seconds;
}

async function writeAll(store: PostgresSessionStore, puts: readonly TranscriptPut[]): Promise<void> {
  const results = await store.putMany(TEAM, puts);
  invariant(
    results.every(({ kind }) => kind === 'stored'),
    'every conversation is stored',
  );
}

const TABLES = `
  CREATE TABLE message (session_id bigint NOT NULL, ordinal integer NOT NULL, turn bigint NOT NULL, in_tree smallint NOT NULL,
    timestamp_ms bigint, body text NOT NULL, PRIMARY KEY (session_id, ordinal));
  CREATE TABLE tool_call (session_id bigint NOT NULL, ordinal integer NOT NULL, position integer NOT NULL,
    tool_name text NOT NULL, category text NOT NULL, edited text, file_name text, body text NOT NULL,
    PRIMARY KEY (session_id, ordinal, position))`;

/** COPY as everybody knows it, in its text form; the lines are ready before the time begins. */
async function byCopy(url: string, conversations: readonly Conversation[]): Promise<number> {
  const [messages, calls]: [string[], string[]] = [[], []];
  for (const [session, conversation] of conversations.entries())
    for (const message of conversation) addLines(messages, calls, session, message);
  const postgres = new Postgres({ url, timers: systemTimers, random: systemRandom, statement_timeout_ms: 600_000 });
  const seconds = await postgres.transaction(async (connection) => {
    await connection.begin(TABLES);
    await connection.commit([]);
    return timed(async () => {
      await connection.begin('');
      await connection.commit([
        { sql: 'COPY message FROM STDIN', copy: chunksOf(messages) },
        { sql: 'COPY tool_call FROM STDIN', copy: chunksOf(calls) },
      ]);
    });
  });
  await postgres.close();
  return seconds;
}

function addLines(messages: string[], calls: string[], session: number, message: ConversationMessage): void {
  const { id, in_tree } = turnOf(message);
  const { body, calls: call_bodies } = bodiesOf(message);
  messages.push(line([session, message.ordinal, id, in_tree, message.timestamp_ms, body]));
  for (const [position, { tool_name, category, file_path }] of message.tool_calls.entries()) {
    const name = file_path?.split('/').at(-1) ?? null;
    const body = call_bodies[position] ?? '';
    calls.push(line([session, message.ordinal, position, tool_name, category, file_path, name, body]));
  }
}

function line(fields: readonly (string | number | bigint | null)[]): string {
  const escaped = fields.map((field) => (field === null ? '\\N' : String(field).replaceAll('\\', '\\\\')));
  return `${escaped.join('\t')}\n`;
}

/** As bytes, some hundred lines each. */
function chunksOf(lines: readonly string[]): Buffer[] {
  return Array.from({ length: Math.ceil(lines.length / 200) }, (_, i) =>
    Buffer.from(lines.slice(i * 200, (i + 1) * 200).join('')),
  );
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began_ms = performance.now();
  await work();
  return (performance.now() - began_ms) / 1000;
}

const { url, sessions, by } = processInput<BackfillInput>();
const draw = new Draw(seededRandom(1));
const drawn = Array.from({ length: sessions }, () => cleanMessages(draw, draw.skewed(100, 4, 2_000)));
const rows = drawn.flat().reduce((sum, { tool_calls }) => sum + 1 + tool_calls.length, 0);
const sources = by === 'store' ? drawn.splice(0).map((conversation) => Buffer.from(JSON.stringify(conversation))) : [];
const seconds = by === 'store' ? await byStore(url, sources) : await byCopy(url, drawn);
const figures: BackfillFigures = { rows, seconds };
answer(figures);
