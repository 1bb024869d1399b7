import { NOT_A_MARKER, type Rule } from '../rule.ts';

const ANCHORS = ['password', 'passwd', 'passphrase', 'passcode', 'pwd', 'secret', 'token', 'credential', 'key'];
/** Names that say "secret", without what stands before them (`db_`, `my`). `tokens` and `token_count` are counts. */
const NAME = String.raw`(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|(?<=(?:api|access|auth|account|private|secret|signing|encryption|master|service|storage|session|client|app|deploy|license|subscription)[_.-]?)key(?:-data)?)(?:[_-]?(?:value|base|base64|b64|\d{1,3}))?`;
const ASSIGN = String.raw`(?:=(?![=>~])|:=|=>|:(?![:/]))`;
/** Placeholders and templates between quotes, and what follows a quote that closes (`'token:', token`): nothing to hide. */
const PLACEHOLDER = String.raw`(?!(?:\$\{[^}]{0,100}\}|\$[A-Za-z_]\w{0,64}|\{\{[^}]{0,100}\}\}|<[^>]{0,100}>|%[sd]|\*{1,64}|x{3,64}|\.{3})\\{0,7}["']|[,;)\]} ])`;
/** What code and type declarations put after `password:` or `token=`. */
const CODE = String.raw`(?!(?:process|os|env|config|self|this|args|opts|options|req|request|ctx|params|settings|import|props|state|std|secrets|data)\.|(?:null|none|nil|true|false|undefined|string|str|number|int|integer|bool|boolean|any|unknown|bytes|object|required|optional|void|never|value|x{3,64})(?![\w-])|[\w.]{1,100}[([]|[$%{<@*]|\.\.\.)`;
const BARE = String.raw`[^\s"'${'`'}<>\\,;&|(){}[\]]`;
/**
 * No closing quote is asked for: text that was cut must not pass, and what never fails is never tried again. Lines that
 * follow without a blank belong to it: long values are wrapped.
 */
const quoted = (quote: string): string =>
  String.raw`(?:[^${quote}\\\r\n]|\\[^\r\n]){1,8192}(?:\r?\n[ \t]{0,16}[^\s${quote}\\]{8,512}(?=[${quote}\r\n])){0,64}`;
const QUOTED = String.raw`(?:"${PLACEHOLDER}(?<secret>${NOT_A_MARKER}${quoted('"')})|'${PLACEHOLDER}(?<secret>${NOT_A_MARKER}${quoted("'")}))`;

/** `name = value` in code, configuration, JSON, YAML, URLs and connection strings. */
export const assignmentRules: readonly Rule[] = [
  {
    name: 'quoted-assignment',
    anchors: ANCHORS,
    pattern: String.raw`${NAME}["']?\]?\s{0,8}${ASSIGN}\s{0,8}[bfr]{0,2}${QUOTED}`,
    ignore_case: true,
  },
  {
    // The same inside a JSON string that was not decoded: \"password\": \"…\" at any depth of escaping.
    name: 'escaped-assignment',
    anchors: ANCHORS,
    pattern: String.raw`${NAME}(?:\\{1,7}["'])?\]?\s{0,8}${ASSIGN}\s{0,8}\\{1,7}["']${PLACEHOLDER}(?<secret>${NOT_A_MARKER}(?:[^"'\\]|\\(?![\\"'])[^\r\n]|\\\\\\"){1,8192})`,
    ignore_case: true,
  },
  {
    // KEY=value without blanks: .env lines, command lines, URL queries, connection strings.
    name: 'bare-assignment',
    anchors: ANCHORS,
    pattern: String.raw`${NAME}=(?!=)${NOT_A_MARKER}${CODE}(?<secret>${BARE}{4,4096})`,
    ignore_case: true,
  },
  {
    // `password: hunter2`, `password = hunter2`: with blanks around it is often code or prose, so a digit or sign is asked for.
    name: 'spaced-assignment',
    anchors: ANCHORS,
    pattern: String.raw`${NAME}["']?[ \t]{0,8}${ASSIGN}[ \t]{0,8}${NOT_A_MARKER}${CODE}(?=[a-z_.-]{0,64}[^a-z_.\-\s"'${'`'}<>\\,;&|(){}[\]])(?!\d{1,15}(?![^\s,;)}\]"'\\]))(?<secret>${BARE}{6,4096})`,
    ignore_case: true,
  },
  {
    // Names in capitals are environment variables, where every …_KEY counts and three characters are enough.
    name: 'env-variable',
    anchors: ['token', 'key', 'secret', 'password', 'passwd', 'passphrase', 'credential', '_pass', '_pwd', '_pw='],
    pattern: String.raw`(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|_PASS|_PWD|_PW)(?:_(?:BASE|VALUE|B64|BASE64|\d{1,2}))?=(?!=)(?:${QUOTED}|\\{0,7}["']?${NOT_A_MARKER}(?!\$[({A-Za-z_]|(?:true|false|null|none|value|VALUE|\d{1,4})(?![\w-]))(?<secret>${BARE}{3,4096}))`,
  },
  {
    name: 'netrc-password',
    anchors: ['machine'],
    pattern: String.raw`machine\s{1,8}\S{1,255}\s{1,8}login\s{1,8}\S{1,255}\s{1,8}password\s{1,8}(?<secret>${NOT_A_MARKER}[^\s"']{1,255})`,
  },
];
