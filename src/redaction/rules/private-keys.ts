import type { Rule } from '../rule.ts';

const BEGIN = String.raw`-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY[ A-Z]{0,10}-----`;

/** Whole blocks with their bodies: replacing only the BEGIN line would leave the key itself in clear. */
export const privateKeyRules: readonly Rule[] = [
  {
    name: 'private-key',
    anchors: ['-----begin'],
    // Hyphens inside occur in header lines (Proc-Type: 4,ENCRYPTED · DEK-Info: AES-128-CBC,…) and comments.
    pattern: `${BEGIN}[^-]{0,32768}(?:-(?!----)[^-]{0,4096}){0,40}-----END[ A-Z0-9]{0,40}PRIVATE KEY[ A-Z]{0,10}-----`,
  },
  {
    // Output was cut before the END line: everything that can still be key material goes.
    name: 'private-key-truncated',
    anchors: ['-----begin'],
    pattern: String.raw`${BEGIN}(?:[A-Za-z0-9+/=\s:,.]|\\[nrt]|-(?!----)){0,32768}`,
  },
  {
    name: 'age-secret-key',
    anchors: ['age-secret-key-1'],
    pattern: 'AGE-SECRET-KEY-1[0-9A-Za-z]{50,64}',
  },
];
