/** Finding one's way in the schema by key. */
import { z } from 'zod';
import type { KeyPath } from '../platform/toml-positions.ts';
import { configSchema } from './schema.ts';

/** The type behind `optional`, `default` and transformations. */
export function bareType(type: z.core.$ZodType): z.core.$ZodType {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault || type instanceof z.ZodPrefault)
    return bareType(type.unwrap());
  if (type instanceof z.ZodPipe) return bareType(type.in);
  return type;
}

/** The type of a key as written in the schema (with its default and description), or null when there is no such key. */
export function typeAt(path: KeyPath, root: z.core.$ZodType = configSchema): z.core.$ZodType | null {
  const [part, ...rest] = path;
  if (part === undefined) return root;
  const type = bareType(root);
  if (type instanceof z.ZodObject) {
    const shape = type.shape as Record<string, z.core.$ZodType>;
    const member = Object.hasOwn(shape, part) ? shape[part] : undefined;
    return member === undefined ? null : typeAt(rest, member);
  }
  if (type instanceof z.ZodArray && typeof part === 'number') return typeAt(rest, type.element);
  if (type instanceof z.ZodDiscriminatedUnion) {
    // Only the first member is available in this version; the others take any key.
    return typeAt(path, type.options[0]);
  }
  return null;
}

/** Whether the key is a section: a table whose keys are set one by one. */
export function isSection(path: KeyPath): boolean {
  const type = typeAt(path);
  return type !== null && bareType(type) instanceof z.ZodObject;
}

export function isSecret(path: KeyPath): boolean {
  const type = typeAt(path);
  return (
    type !== null && bareType(type) instanceof z.ZodUnion && z.globalRegistry.get(bareType(type))?.['secret'] === true
  );
}

export interface ConfigKey {
  path: string[];
  type: z.core.$ZodType;
  description: string;
}

/** Every key that is set as one value, in the order of the schema; sections only through their keys. */
export function allKeys(root: z.core.$ZodType = configSchema, prefix: string[] = []): ConfigKey[] {
  const type = bareType(root);
  if (!(type instanceof z.ZodObject)) return [];
  return Object.entries(type.shape as Record<string, z.ZodType>).flatMap(([name, member]) => {
    const path = [...prefix, name];
    if (bareType(member) instanceof z.ZodObject) return allKeys(member, path);
    return [{ path, type: member, description: member.description ?? '' }];
  });
}

/** Names of the keys that a section knows. */
export function keysOf(path: KeyPath): string[] {
  const type = typeAt(path);
  const found = type === null ? null : bareType(type);
  const bare = found instanceof z.ZodDiscriminatedUnion ? found.options[0] : found;
  return bare instanceof z.ZodObject ? Object.keys(bare.shape) : [];
}
