/** Names of topics, and what each carries (records.md §12.9). */
import type { ObjectDefinition } from '../org/object-definition.ts';
import { changeEventName } from './event-schema.ts';

/** A channel that an administrator made. */
export interface CustomChannel {
  /** `/data/Sync__chn` */
  topic: string;
  entities: readonly string[];
  /** By object: fields that are in each update and deletion, changed or not. */
  enrichment?: Readonly<Record<string, readonly string[]>>;
}

export interface Topic {
  name: string;
  /** Null: a topic of platform events. */
  carries: ((entity: string) => boolean) | null;
  enrichmentOf(entity: string): readonly string[];
  /** The one object that it carries. */
  entity: string | null;
}

const ALL = '/data/ChangeEvents';

/** Null when there is no such topic. */
export function changeTopic(
  name: string,
  objects: readonly ObjectDefinition[],
  channels: readonly CustomChannel[],
): Topic | null {
  const channel = channels.find(({ topic }) => topic === name);
  if (channel)
    return {
      name,
      carries: (entity) => channel.entities.includes(entity),
      enrichmentOf: (entity) => channel.enrichment?.[entity] ?? [],
      entity: null,
    };
  if (name === ALL) return { name, carries: () => true, enrichmentOf: () => [], entity: null };
  const object = objects.find((candidate) => name === `/data/${changeEventName(candidate.name)}`);
  if (!object) return null;
  return { name, carries: (entity) => entity === object.name, enrichmentOf: () => [], entity: object.name };
}
