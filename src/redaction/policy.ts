import { judgeConversationKey, judgeKey, type KeyVerdict } from './keys.ts';
import { looksSecret, looksSecretInConversation } from './shell.ts';

/** What a walk does beside the text rules. The rules themselves are the same everywhere. */
export interface WalkPolicy {
  /** Ends the rule set's name where what comes out differs from telemetry's; raised when it changes. */
  readonly suffix: string;
  judgeKey: (key: string) => KeyVerdict;
  /** Whether a word of a shell command, after the text rules, is a secret. */
  isSecretWord: (word: string) => boolean;
  /** A JSON string that changed keeps its indentation and the blanks around it; else it becomes compact JSON. */
  readonly keeps_layout: boolean;
}

/** As the telemetry wire's vectors fix it (telemetry specification §3.2 to §3.5). */
export const TELEMETRY_POLICY: WalkPolicy = {
  suffix: '',
  judgeKey,
  isSecretWord: looksSecret,
  keeps_layout: false,
};

/** For what people read and search: harmless members, words and line breaks stay. */
export const CONVERSATION_POLICY: WalkPolicy = {
  suffix: '-c1',
  judgeKey: judgeConversationKey,
  isSecretWord: looksSecretInConversation,
  keeps_layout: true,
};
