import { parseContainer } from './json.ts';
import { count, type Tally } from './report.ts';

const SECRET_NAME =
  '(?:password|passwd|passphrase|pass|pwd|token|secret|api-?key|access-?key|secret-?key|auth-?key|private-?key|credentials?)';

/** A flag whose next word is a secret, whatever it looks like: inside a command there is no prose. */
export const SECRET_FLAG = String.raw`((?<![\w-])--?(?:[A-Za-z0-9]{1,16}-){0,3}${SECRET_NAME}(?:[ \t]{1,8}|=))(?![-$|&;<>\[]|["']\$|["']?(?:\[REDACTED:|<REDACTED:))("(?:[^"\\]|\\[^\r\n]){1,1024}"|'[^']{1,1024}'|[^\s"'|&;<>()]{1,1024})`;
/** The same flag as a word of its own, for argument lists. */
export const SECRET_FLAG_WORD = String.raw`^--?(?:[A-Za-z0-9]{1,16}-){0,3}${SECRET_NAME}$`;

const secretFlag = new RegExp(SECRET_FLAG, 'gi');
const secretFlagWord = new RegExp(SECRET_FLAG_WORD, 'i');
const ARGUMENT = '<REDACTED:arg>';
const LONG_WORD = /^[A-Za-z0-9+/=_-]{41,}$/;

/** The original's test of a word (telemetry specification §3.4), on a word that has passed the text rules. */
export function looksSecret(word: string): boolean {
  if (word.includes('=') && /TOKEN|KEY|SECRET/.test(word)) return true;
  // The text rules have already turned `sk-…` and `ghp_…` into this; the original's form for an argument differs.
  if (word === '<REDACTED:token>') return true;
  return word.startsWith('sk-') || word.startsWith('ghp_') || LONG_WORD.test(word);
}

const SECRET_NAME_IN_CAPITALS = /(?<![A-Z])(?:TOKEN|KEY|SECRET)S?(?![A-Z])/;
const NO_SECRET_VALUE = /^["']?(?:$|[$/.~<[{]|\d{1,4}["']?$)/;
/** Of a random word about every second character changes its class; of names and paths, hardly one in ten. */
const CHARACTERS_PER_CHANGE = 5;

/**
 * The same for a command that people read: the text rules have found the known shapes, and a long word is a secret when
 * it looks random. `packages/core/src/components/UserProfile` and long branch names stay.
 */
export function looksSecretInConversation(word: string): boolean {
  const assign = word.indexOf('=');
  const name = word.slice(Math.max(0, assign - 128), Math.max(0, assign));
  if (SECRET_NAME_IN_CAPITALS.test(name) && !NO_SECRET_VALUE.test(word.slice(assign + 1))) return true;
  return LONG_WORD.test(word) && changesOfClass(word) * CHARACTERS_PER_CHANGE > word.length;
}

/** How often lower-case letters, capitals and digits take turns; a capital that begins a word does not count twice. */
function changesOfClass(word: string): number {
  return word.match(/[a-z](?=[A-Z0-9])|[A-Z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
}

function redactWord(word: string, isSecretWord: (word: string) => boolean, tally: Tally | undefined): string {
  if (!isSecretWord(word)) return word;
  // A word with a marker was counted by the rule that made it.
  if (!word.includes('REDACTED:')) count(tally, 'shell-argument');
  return ARGUMENT;
}

/**
 * Redacts a shell command. The text rules run over the whole first, because a quoted header or a key block spans words;
 * then flags, then each word, the first one (the program) excepted. Blanks stay as they are: collapsing them, as the
 * original did, breaks scripts. A command that is JSON is left to `redactText`, which walks it.
 */
export function redactCommand(
  command: string,
  redactText: (text: string) => string,
  isSecretWord: (word: string) => boolean,
  tally?: Tally,
): string {
  return redactWords(command, { redactText, isSecretWord, tally }, true);
}

/** Redacts an argument list (`["bash", "-lc", "…"]`); arguments may be whole commands. */
export function redactArguments(
  words: readonly string[],
  redactText: (text: string) => string,
  isSecretWord: (word: string) => boolean,
  tally?: Tally,
): string[] {
  return words.map((word, index) => {
    const before = words[index - 1];
    if (before !== undefined && secretFlagWord.test(before) && !/^(?:[-$]|<REDACTED:|\[REDACTED:|$)/.test(word)) {
      count(tally, 'shell-argument');
      return ARGUMENT;
    }
    return redactWords(word, { redactText, isSecretWord, tally }, index === 0);
  });
}

interface WordRedaction {
  redactText: (text: string) => string;
  isSecretWord: (word: string) => boolean;
  tally: Tally | undefined;
}

function redactWords(
  command: string,
  { redactText, isSecretWord, tally }: WordRedaction,
  beginsWithProgram: boolean,
): string {
  const text = redactText(command);
  if (parseContainer(command) !== null) return text;
  let program = beginsWithProgram;
  return text
    .replace(secretFlag, (_all, flag: string) => {
      count(tally, 'shell-argument');
      return flag + ARGUMENT;
    })
    .replace(/\S+/g, (word) => {
      const exempt = program;
      program = false;
      return exempt ? word : redactWord(word, isSecretWord, tally);
    });
}
