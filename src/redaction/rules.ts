import type { Rule } from './rule.ts';
import { assignmentRules } from './rules/assignments.ts';
import { commandLineRules } from './rules/command-lines.ts';
import { headerRules } from './rules/headers.ts';
import { identityRules } from './rules/identity.ts';
import { pathRules } from './rules/paths.ts';
import { privateKeyRules } from './rules/private-keys.ts';
import { urlRules } from './rules/urls.ts';
import { markerTokenRules, vendorTokenRules } from './rules/vendor-tokens.ts';

/**
 * The one rule set of telemetry, sessions and memory. Where two rules match at the same place the earlier one wins, so
 * the exact shapes stand before the general ones.
 */
export const rules: readonly Rule[] = [
  ...privateKeyRules,
  ...headerRules,
  ...urlRules,
  ...vendorTokenRules,
  ...assignmentRules,
  ...commandLineRules,
  ...identityRules,
  ...pathRules,
  ...markerTokenRules,
];

/**
 * Names the built-in rules in partitions and records: an upgrade that changes them opens new partitions. Written out,
 * because hashing all patterns took the hook 8 ms; a test says what to write when the rules have changed. The number
 * before the hyphen is raised by hand when the code around the rules changes what comes out.
 */
export const RULE_SET = 'r1-1663b72629';
