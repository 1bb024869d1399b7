/** What a walker does with a member of an object because of its name alone. */
export type KeyVerdict =
  /** The member goes without a trace (telemetry specification §3.2). */
  | 'drop'
  /** Any value becomes `<REDACTED:secret>` (§3.2: `env`, `…_TOKEN`, `…_KEY`). */
  | 'secret'
  /** Text, lists and objects become `<REDACTED:secret>`; numbers, booleans and null stay (`token: 12`, `has_token: true`). */
  | 'secret-text'
  /** The value is a shell command, or a list of its words. */
  | 'command'
  /** The value may be an object of environment variables: those whose names say so are secrets (`isSecretVariable`). */
  | 'environment'
  | 'walk';

const DROPPED = new Set(['user', 'git_email', 'prompt_text', 'completion_text', 'email', 'user_email', 'userEmail']);
const COMMANDS = new Set(['command', 'cmd']);
/** A numeric password is one. */
const PASSWORD = /(?:^|_)(?:passwords?|passwd|passphrase|passcode|pwd)$/;
const SECRET =
  /(?:^|_)(?:secrets?|token|authorization|credentials?|cookies?|apikey|authtoken|accesstoken|(?:api|access|auth|account|private|secret|signing|encryption|master|service|storage|session|client|app|deploy|license|subscription|shared)_key|client_key_data|auth|bearer)$/;

/** `clientSecret`, `X-Api-Key` and `API_KEY` are one name: `client_secret`, `x_api_key`, `api_key`. */
function normalise(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

/**
 * Judges a key. Names of counts stay (`tokens_in`, `max_tokens`, `token_count`): only the last word of a name makes a
 * secret of its value.
 */
export function judgeKey(key: string): KeyVerdict {
  if (DROPPED.has(key)) return 'drop';
  if (COMMANDS.has(key)) return 'command';
  if (key.endsWith('_TOKEN') || key.endsWith('_KEY')) return 'secret';
  // No secret's name is longer, and hostile keys can be megabytes.
  const name = normalise(key.length > 128 ? key.slice(-128) : key);
  if (name === 'env' || PASSWORD.test(name)) return 'secret';
  return SECRET.test(name) ? 'secret-text' : 'walk';
}

const ENVIRONMENTS = new Set(['env', 'environment', 'env_vars', 'environment_variables']);
const SECRET_VARIABLE =
  /(?:^|_)(?:pass|password|passwd|passphrase|passcode|pwd|pw|secrets?|tokens?|keys?|apikey|auth|authorization|bearer|credentials?|creds|cookies?|pat)(?:_|$)/;

/**
 * Judges a key of a tool's input or output in a conversation. What the telemetry wire drops is content there (`user` of
 * a database tool): its text is redacted like any other, and an environment loses its secrets, not its variables.
 */
export function judgeConversationKey(key: string): KeyVerdict {
  if (DROPPED.has(key)) return 'walk';
  if (key.length <= 32 && ENVIRONMENTS.has(normalise(key))) return 'environment';
  return judgeKey(key);
}

/** Whether the name of an environment variable says that its value is a secret: any of its words may (`TOKEN_OF_X`). */
export function isSecretVariable(name: string): boolean {
  return SECRET_VARIABLE.test(normalise(name.slice(-128)));
}
