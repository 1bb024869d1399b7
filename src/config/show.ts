/** The effective configuration as a person reads it: every key, its value, where it comes from, and no secret. */
import { isTree, valueAt } from './layers.ts';
import { allKeys, isSecret } from './keys.ts';
import type { LoadedConfig } from './load.ts';
import { formatPath, type KeyPath } from '../platform/toml-positions.ts';
import { formatOrigin, type Origin } from './problems.ts';
import type { SecretReference } from './fields.ts';
import { describeSecret } from './secret.ts';
import type { Config } from './schema.ts';

export interface EffectiveValue {
  key: string;
  /** As TOML would write it; secrets as `<secret from …>`. Null when not set and without default. */
  value: unknown;
  origin: Origin['kind'];
  /** Flag or variable name, or file with line. */
  from: string;
}

/** One entry for each key; elements of `[[lists]]` key by key. Keys of sections that are not set are left out. */
export function effectiveValues({ config, origins }: LoadedConfig): EffectiveValue[] {
  return allKeys().flatMap(({ path }) => {
    const section = path[0] as keyof Config;
    if (config[section] === undefined) return [];
    const value = valueAt(config, path);
    const origin = origins.get(formatPath(path)) ?? { kind: 'default' as const };
    return rows(path, value, origin);
  });
}

function rows(path: KeyPath, value: unknown, origin: Origin): EffectiveValue[] {
  if (Array.isArray(value) && value.some(isTree))
    return value.flatMap((element, index) =>
      Object.entries(element as object).flatMap(([name, member]) => rows([...path, index, name], member, origin)),
    );
  const shown = isSecretValue(path, value) ? describeSecret(value) : (value ?? null);
  return [{ key: formatPath(path), value: shown, origin: origin.kind, from: formatOrigin(origin) }];
}

function isSecretValue(path: KeyPath, value: unknown): value is SecretReference {
  return isSecret(path) && isTree(value);
}
