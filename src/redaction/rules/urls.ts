import { NOT_A_MARKER, type Rule } from '../rule.ts';

/** Credentials inside URLs. Scheme, host and path stay: they say which system was meant. */
export const urlRules: readonly Rule[] = [
  {
    // user:password@ in any scheme. A port ("host:8080/…") is no password; a password may hold "@" or "/" unescaped.
    name: 'url-credentials',
    anchors: [':/'],
    pattern: String.raw`(?<=[A-Za-z0-9]):\/\/(?<secret>${NOT_A_MARKER}[^\s/?#:@"'<>\\[\]]{0,128}:(?!\d{1,5}(?:[/?#\s"'\\]|$))(?![@\s])(?:[^\s/"'<>\\]|\/(?!\/)){1,512})(?=@[A-Za-z0-9[])`,
  },
  {
    name: 'url-token',
    anchors: [':/'],
    pattern: String.raw`(?<=https?):\/\/(?<secret>${NOT_A_MARKER}(?!git@)[^\s/?#:@"'<>\\[\]]{1,512})(?=@[A-Za-z0-9[])`,
  },
  {
    name: 'url-parameter',
    anchors: ['key', 'sig=', 'signature=', 'credential', 'auth=', 'code='],
    pattern: String.raw`(?<=[?&](?:x-(?:amz|goog)-)?)(?:key|sig|signature|credential|auth|code)=(?<secret>${NOT_A_MARKER}(?![$<{%][A-Za-z{(])[^\s&#"'<>\\]{16,2048})`,
    ignore_case: true,
  },
];
