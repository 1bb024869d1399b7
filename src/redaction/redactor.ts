import { systemClock, type Clock } from '../platform/clock.ts';
import { InvalidInputError, messageOf } from '../platform/errors.ts';
import { SALT_BYTES, type Hashing } from './hash-forms.ts';
import type { JsonValue } from './json.ts';
import { compile, withSeparateAnchors, type Matcher } from './matcher.ts';
import { TELEMETRY_POLICY, type WalkPolicy } from './policy.ts';
import type { Tally } from './report.ts';
import type { Rule } from './rule.ts';
import { RULE_SET, rules } from './rules.ts';
import { redactText, type TextRedaction } from './text.ts';
import { Walker, type WalkLimits } from './walk.ts';

export interface RedactionLimits extends WalkLimits {
  /** Longer texts are replaced whole. UTF-16 units. */
  max_text_chars: number;
}

export const DEFAULT_LIMITS: RedactionLimits = {
  max_depth: 64,
  max_nodes: 250_000,
  max_ms: 5_000,
  max_text_chars: 8 * 1024 * 1024,
};

export interface RedactorOptions {
  salt: Uint8Array;
  hashing: Hashing;
  /** Identity or absolute path of the workspace; part of the hashes that stand for paths. */
  workspace?: string;
  /** False: `[REDACTED:rule]` without the tag that shows which removed secrets were equal. Default true. */
  tags?: boolean;
  /** What is done beside the text rules; default that of the telemetry wire. */
  policy?: WalkPolicy;
  /** A team's or user's own rules, tried before ours. Names must be new; patterns must have bounded repetition. */
  extra_rules?: readonly Rule[];
  limits?: Partial<RedactionLimits>;
  clock?: Clock;
}

/** Removes secrets and personal paths from agent data, the same way for telemetry, sessions and memory. */
export interface Redactor {
  /** Names the rules that are in force; equal for equal rules on every machine. Part of a partition's name. */
  readonly rule_set: string;
  /** Redacts text. What fired is added to `tally`. Idempotent. */
  redactText(text: string, tally?: Tally): string;
  /**
   * Redacts a JSON value: every string and object key at any depth, also inside strings that are JSON; drops and
   * replaces members by name (telemetry specification §3.2). Never changes its input, never throws on JSON.
   */
  redactValue(value: JsonValue, tally?: Tally): JsonValue;
}

/** A redactor exists per workspace; the built-in set is compiled once. */
let builtIn: Matcher | undefined;

/** Throws InvalidInputError when the salt has a wrong length or an own rule is not usable. */
export function createRedactor(options: RedactorOptions): Redactor {
  const { hashing, salt, tags = true, policy = TELEMETRY_POLICY, extra_rules = [] } = options;
  if (salt.length !== SALT_BYTES) {
    throw new InvalidInputError('salt-length', `A salt has ${SALT_BYTES} bytes, this one ${salt.length}.`);
  }
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const matcher = extra_rules.length === 0 ? (builtIn ??= compile(rules)) : compileWith(extra_rules);
  const text: TextRedaction = {
    matcher,
    hashing,
    salt,
    workspace: options.workspace ?? '',
    tags,
    max_text_chars: limits.max_text_chars,
  };
  const redact = (value: string, tally?: Tally): string => redactText(text, value, tally);
  const walker = new Walker({ redactText: redact, policy, limits, clock: options.clock ?? systemClock });
  return {
    rule_set: ruleSetName(hashing, extra_rules, tags) + policy.suffix,
    redactText: redact,
    redactValue: (value, tally) => walker.redact(value, tally),
  };
}

function compileWith(extra: readonly Rule[]): Matcher {
  const names = new Set(rules.map((rule) => rule.name));
  for (const rule of extra) {
    if (!/^[a-z0-9-]{1,40}$/.test(rule.name) || names.has(rule.name)) {
      throw new InvalidInputError(
        'rule-name',
        `The rule name "${rule.name}" is taken or not of the form [a-z0-9-]{1,40}.`,
      );
    }
    if (rule.anchors.length === 0 || rule.anchors.includes('')) {
      throw new InvalidInputError('rule-anchor', `The rule "${rule.name}" needs a word by which it is found.`);
    }
    names.add(rule.name);
  }
  try {
    for (const rule of extra) new RegExp(rule.pattern, 'y');
    return compile(withSeparateAnchors([...extra, ...rules]));
  } catch (cause) {
    throw new InvalidInputError('rule-pattern', `A rule of yours does not compile: ${messageOf(cause)}`, { cause });
  }
}

function ruleSetName(hashing: Hashing, extra: readonly Rule[], tags: boolean): string {
  const own = extra.length === 0 ? '' : `+${digestOfRules(hashing, extra)}`;
  return `${RULE_SET}${own}${tags ? '' : '-untagged'}`;
}

/** Ten hex digits that change whenever a rule does. */
export function digestOfRules(hashing: Hashing, of: readonly Rule[]): string {
  const content = of.map((rule) => [rule.name, rule.anchors, rule.pattern, rule.ignore_case, rule.form]);
  return hashing.digestHex(JSON.stringify(content)).slice(0, 10);
}
