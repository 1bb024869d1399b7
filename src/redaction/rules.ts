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

/** Raised when the code around the rules changes what comes out, so that partitions of two rule sets never mix. */
export const ALGORITHM_VERSION = 1;
