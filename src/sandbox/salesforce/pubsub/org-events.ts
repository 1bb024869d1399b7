/** Everything that happened in an organisation, as topics tell it: change events, platform events, and the faults among them. */
import { randomUUID } from 'node:crypto';
import type { Type } from 'avsc';
import type { Random } from '../../../platform/random.ts';
import type { CommittedChange } from '../org/commit.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';
import type { Org } from '../org/org.ts';
import {
  changeEvents,
  DEFAULT_RULES,
  encodeChangeEvent,
  gapOf,
  overflowOf,
  type ChangeEvent,
  type EventRules,
} from './change-events.ts';
import { EventBus, type BusEvent } from './event-bus.ts';
import { changeEventSchema, compiled, type ChangeEventSchema } from './event-schema.ts';
import { FetchSession, type FetchSessionOptions } from './fetch-session.ts';
import { PubSubFaults, type FaultTargets } from './faults.ts';
import type { ConsumerEvent, ProducerEvent } from './messages.ts';
import { changeTopic, type CustomChannel, type Topic } from './topics.ts';

/** Events that programs define and publish. */
export interface PlatformEvent {
  /** `Order__e`: its topic is `/event/Order__e`. */
  name: string;
  fields: readonly { name: string; type: 'string' | 'double' | 'boolean' | 'long' }[];
}

export interface OrgEventsOptions {
  random: Random;
  replay_id_bytes: number;
  rules: Partial<EventRules>;
  channels: readonly CustomChannel[];
  platform_events: readonly PlatformEvent[];
  endStreams: FaultTargets['endStreams'];
}

export interface OpenTopic extends Topic {
  can_publish: boolean;
  /** Empty of a topic that carries several kinds. */
  schema_id: string;
}

type Content = { id: string; poisoned: boolean } & (
  { kind: 'change'; event: ChangeEvent } | { kind: 'platform'; topic: string; schema_id: string; payload: Buffer }
);

export class OrgEvents {
  readonly faults: PubSubFaults;
  readonly #org: Org;
  readonly #options: OrgEventsOptions;
  readonly #rules: EventRules;
  readonly #bus: EventBus<Content>;
  /** Of definitions as they were and are: an id is never another schema's. */
  readonly #schemas = new Map<string, string>();
  readonly #by_definition = new WeakMap<ObjectDefinition, ChangeEventSchema>();
  readonly #platform = new Map<string, { schema_id: string; type: Type }>();
  readonly #unsubscribe: () => void;
  #held: (readonly CommittedChange[])[] = [];

  constructor(org: Org, options: OrgEventsOptions) {
    this.#org = org;
    this.#options = options;
    this.#rules = { ...DEFAULT_RULES, ...options.rules };
    this.#bus = new EventBus({ clock: org.clock, random: options.random, replay_id_bytes: options.replay_id_bytes });
    this.faults = new PubSubFaults({
      endStreams: options.endStreams,
      forgetEvents: () => this.#bus.forgetAll(),
      publishOverflow: (entity) => this.#append(overflowOf(this.#emptyEvent(entity))),
      publishWildcardGap: (entity) => {
        const event = this.#emptyEvent(entity);
        this.#append({ ...event, record_ids: [`${this.#definition(entity).key_prefix}*`] });
      },
      releaseHeld: () => this.#releaseHeld(),
    });
    for (const event of options.platform_events) this.#definePlatformEvent(event);
    for (const changes of transactions(org.commitsAfter(0))) this.#publishChanges(changes);
    this.#unsubscribe = org.subscribe((changes) => this.#committed(changes));
  }

  close(): void {
    this.#unsubscribe();
  }

  topic(name: string): OpenTopic | null {
    const platform = this.#platform.get(name);
    if (platform) {
      const { schema_id } = platform;
      return { name, carries: null, enrichmentOf: () => [], entity: null, can_publish: true, schema_id };
    }
    const topic = changeTopic(name, this.#org.objects(), this.#options.channels);
    if (!topic) return null;
    const schema_id = topic.entity === null ? '' : this.#schemaOf(topic.entity).schema_id;
    return { ...topic, can_publish: false, schema_id };
  }

  /** The JSON of a schema; null for an id that is none. */
  schema(schema_id: string): string | null {
    return this.#schemas.get(schema_id) ?? null;
  }

  /** Where a subscription begins; null for an id that is none, or too old. */
  position(preset: 'LATEST' | 'EARLIEST' | 'CUSTOM', replay_id: Uint8Array): number | null {
    if (preset === 'LATEST') return this.#bus.end;
    return preset === 'EARLIEST' ? this.#bus.first : this.#bus.after(replay_id);
  }

  session(
    topic: OpenTopic,
    position: number,
    stream: Pick<FetchSessionOptions<Content>, 'timers' | 'rpc_id' | 'send' | 'fail'>,
  ): FetchSession<unknown> {
    const encode = (event: BusEvent<Content>): ConsumerEvent | null => this.#encode(event, topic);
    return new FetchSession(position, {
      ...stream,
      bus: this.#bus,
      faults: this.faults,
      encode,
    });
  }

  publish(
    topic: string,
    { id, schema_id, payload }: ProducerEvent,
  ): { replay_id: Buffer; error: { code: 'PUBLISH'; msg: string } | null; correlation_key: string } {
    const refused = (msg: string) => ({
      replay_id: Buffer.alloc(0),
      error: { code: 'PUBLISH', msg } as const,
      correlation_key: id,
    });
    const platform = this.#platform.get(topic);
    if (platform?.schema_id !== schema_id) return refused('The schema is not that of the topic');
    try {
      platform.type.fromBuffer(payload);
    } catch {
      return refused('The payload does not fit the schema');
    }
    this.#bus.append({ id: id || randomUUID(), poisoned: false, kind: 'platform', topic, schema_id, payload });
    return { replay_id: this.#bus.tip, error: null, correlation_key: id };
  }

  #committed(changes: readonly CommittedChange[]): void {
    if (this.faults.holding) this.#held.push(changes);
    else this.#publishChanges(changes);
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const changes of held) this.#publishChanges(changes);
  }

  #publishChanges(changes: readonly CommittedChange[]): void {
    for (const event of changeEvents(changes, (entity) => this.#schemaOf(entity), this.#rules))
      this.#append(this.faults.takeGap() ? gapOf(event) : event);
  }

  #append(event: ChangeEvent): void {
    const { transaction_key, sequence_number } = event.origin;
    const id = `${transaction_key}-${sequence_number}`;
    this.#bus.append({ id, poisoned: this.faults.takePoison(), kind: 'change', event });
  }

  #encode({ content, replay_id }: BusEvent<Content>, topic: OpenTopic): ConsumerEvent | null {
    const { id } = content;
    if (content.kind === 'platform') {
      const { schema_id, payload } = content;
      return content.topic === topic.name ? { event: { id, schema_id, payload }, replay_id } : null;
    }
    const { event } = content;
    if (!topic.carries?.(event.entity)) return null;
    const whole = encodeChangeEvent(event, topic.enrichmentOf(event.entity), this.faults.client_tags);
    // Half an event is not one.
    const payload = content.poisoned ? whole.subarray(0, whole.length >> 1) : whole;
    return { event: { id, schema_id: event.schema.schema_id, payload }, replay_id };
  }

  #definition(entity: string): ObjectDefinition {
    return this.#org.table(entity).definition;
  }

  #schemaOf(entity: string): ChangeEventSchema {
    const definition = this.#definition(entity);
    let schema = this.#by_definition.get(definition);
    if (!schema) {
      schema = changeEventSchema(definition);
      this.#by_definition.set(definition, schema);
      this.#schemas.set(schema.schema_id, schema.json);
    }
    return schema;
  }

  /** An event of the platform itself, about an object and no change of a record. */
  #emptyEvent(entity: string): ChangeEvent {
    const { clock, admin_id, lastCommit } = this.#org;
    const origin: CommittedChange = {
      commit_number: lastCommit,
      commit_ms: clock.now_ms(),
      transaction_key: randomUUID(),
      sequence_number: 1,
      commit_user: admin_id,
      change_origin: '',
      entity: this.#definition(entity).name,
      record_id: '',
      kind: 'UPDATE',
      changed_fields: [],
      nulled_fields: [],
      before: null,
      after: null,
    };
    const schema = this.#schemaOf(entity);
    const told = { changed: [], nulled: [], diffs: {}, row: null };
    return { entity: origin.entity, schema, record_ids: [], change_type: 'GAP_UPDATE', origin, ...told };
  }

  #definePlatformEvent({ name, fields }: PlatformEvent): void {
    const schema = compiled({
      type: 'record',
      name,
      namespace: 'com.sforce.eventbus',
      fields: [
        { name: 'CreatedDate', type: 'long' },
        { name: 'CreatedById', type: 'string' },
        ...fields.map((field) => ({ name: field.name, type: ['null', field.type], default: null })),
      ],
    });
    this.#schemas.set(schema.schema_id, schema.json);
    this.#platform.set(`/event/${name}`, { schema_id: schema.schema_id, type: schema.type });
  }
}

function transactions(changes: readonly CommittedChange[]): CommittedChange[][] {
  return [...Map.groupBy(changes, ({ commit_number }) => commit_number).values()];
}
