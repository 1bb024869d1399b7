import { NOT_A_MARKER, type Rule } from '../rule.ts';

const SCHEME = '(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)';
const VALUE = String.raw`[^\s"'${'`'}\\<>]`;
/** Words that follow "Bearer" in prose and documentation. */
const PROSE =
  '(?:[Tt]okens?|[Aa]uth(?:entication|orization)?|[Ss]cheme|headers?|credentials?|prefix|and|or|is|realm|format)';

/** Secrets in HTTP headers, as commands, logs and code write them. */
export const headerRules: readonly Rule[] = [
  {
    name: 'authorization-header',
    anchors: ['authorization'],
    // Without a scheme that we know only what looks like a secret: "Authorization: the process of …" is prose.
    pattern: String.raw`authorization:[ \t]{0,4}${NOT_A_MARKER}(?:${SCHEME}[ \t]{1,4}${NOT_A_MARKER}${VALUE}{1,8192}|(?=[a-z_.+/=-]{0,64}\d)${VALUE}{8,8192})`,
    ignore_case: true,
    form: 'authorization',
  },
  {
    name: 'authorization-value',
    anchors: ['authorization'],
    pattern: String.raw`authorization\\{0,7}["'](?:[ \t]{0,4}\])?[ \t]{0,4}(?:[:=][ \t]{0,4}\\{0,7}["'${'`'}](?:${SCHEME}[ \t]{1,4})?|,[ \t]{0,4}\\{0,7}["'${'`'}]${SCHEME}[ \t]{1,4})(?<secret>${NOT_A_MARKER}(?!\$\{|\{\{|${SCHEME}(?![\w.~+/=-]))${VALUE}{4,8192})`,
    ignore_case: true,
  },
  {
    name: 'bearer-token',
    anchors: ['bearer '],
    pattern: String.raw`\bBearer {1,4}(?!${PROSE}(?![\w.~+/=-])|(?:realm|error|scope)=)[A-Za-z0-9][A-Za-z0-9._~+/=-]{0,8192}`,
    form: 'token',
  },
  {
    // X-Api-Key, X-Vault-Token, Private-Token, …; a scheme may stand before the value.
    name: 'secret-header',
    anchors: ['key', 'token'],
    pattern: String.raw`(?<=(?<![\w-])(?:x-(?:[a-z]{1,16}-){0,3}(?<!idempotency-)|private-|job-|api-|subscription-|ocp-apim-subscription-))(?:key|token)\\{0,7}["']?:[ \t]{0,4}\\{0,7}["']?(?:${SCHEME}[ \t]{1,4})?(?<secret>${NOT_A_MARKER}(?![$<{%]|(?:undefined|null|true|false|string|key|token)(?!\w))[^\s"'${'`'}\\<>,;)}]{4,8192})`,
    ignore_case: true,
  },
  {
    name: 'cookie-header',
    anchors: ['cookie:'],
    pattern: String.raw`cookie:[ \t]{0,4}(?<secret>${NOT_A_MARKER}[\w.-]{1,64}=[^\r\n"'\\]{1,8192})`,
    ignore_case: true,
  },
];
