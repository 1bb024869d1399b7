/** One process: masks clean messages as delivery does, or runs the pre-filter expression alone over the same texts. */
import type { ConversationMessage } from '../../../src/agents/conversation.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { invariant } from '../../../src/platform/errors.ts';
import { loadHashing } from '../../../src/redaction/hashing.ts';
import { rules } from '../../../src/redaction/rules.ts';
import { maskMessage } from '../../../src/sessions/masking/mask-message.ts';
import { createMasker } from '../../../src/sessions/masking/masker.ts';
import { answer, processInput } from '../../measured-process.ts';
import { Draw } from '../telemetry/words.ts';
import { cleanMessages } from './messages.ts';

export interface MaskingInput {
  messages: number;
  by: 'masking' | 'pre-filter';
}

export interface MaskingFigures {
  /** UTF-16 units of all texts of the messages. */
  characters: number;
  seconds: number;
}

/** Every text of a message that masking has to look at. */
function textsOf(message: ConversationMessage): string[] {
  const calls = message.tool_calls.flatMap(({ input_json, result }) => [input_json ?? '', result ?? '']);
  return [message.content, message.thinking ?? '', ...calls];
}

/** The words by which rules are found, as one expression; what it costs to look for a secret at all. */
function preFilter(texts: readonly string[]): number {
  const anchors = new Set(rules.flatMap((rule) => rule.anchors));
  const escaped = [...anchors].map((anchor) => anchor.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  const expression = new RegExp(escaped.join('|'), 'gi');
  let places = 0;
  for (const text of texts) for (const _ of text.matchAll(expression)) places++;
  return places;
}

async function maskAll(messages: readonly ConversationMessage[]): Promise<void> {
  const hashing = await loadHashing();
  const salt = seededRandom(2).bytes(32);
  const options = { hashing, salt, workspace: 'github.com/acme/web', root: '/home/ada/web', clock: systemClock };
  const masker = createMasker(options);
  const tally = new Map<string, number>();
  for (const message of messages.slice(0, 200)) maskMessage(masker, message, tally);
  tally.clear();
  began_ms = performance.now();
  for (const message of messages) maskMessage(masker, message, tally);
  ended_ms = performance.now();
  invariant(
    [...tally.values()].every((times) => times === 0),
    'the corpus is clean: nothing was masked',
  );
}

let began_ms = 0;
let ended_ms = 0;
const input = processInput<MaskingInput>();
const messages = cleanMessages(new Draw(seededRandom(1)), input.messages);
const texts = messages.flatMap(textsOf);
const characters = texts.reduce((sum, text) => sum + text.length, 0);
if (input.by === 'masking') await maskAll(messages);
else {
  preFilter(texts.slice(0, 1_000));
  began_ms = performance.now();
  preFilter(texts);
  ended_ms = performance.now();
}
const figures: MaskingFigures = { characters, seconds: (ended_ms - began_ms) / 1000 };
answer(figures);
