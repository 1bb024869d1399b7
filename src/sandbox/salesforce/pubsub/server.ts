/**
 * The Pub/Sub API of the simulator: gRPC over TLS on loopback, fed by what the organisation commits (records.md §12.9, §12.10).
 * Events are made when a change is committed and encoded when a topic sends them.
 */
import { fileURLToPath } from 'node:url';
import {
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { messageOf, UnreachableError } from '../../../platform/errors.ts';
import { seededRandom, type Random } from '../../../platform/random.ts';
import { systemTimers, type Timers } from '../../../platform/timers.ts';
import type { Org } from '../org/org.ts';
import { makeSelfSigned, type SelfSigned } from '../self-signed.ts';
import type { EventRules } from './change-events.ts';
import type { FetchSession } from './fetch-session.ts';
import type { ErrorName, PubSubFaults, RpcName } from './faults.ts';
import { rpcError } from './grpc-error.ts';
import type {
  CommitReplayResponse,
  FetchRequest,
  FetchResponse,
  ManagedFetchRequest,
  PublishRequest,
  PublishResponse,
} from './messages.ts';
import { OrgEvents, type OpenTopic, type PlatformEvent } from './org-events.ts';
import type { CustomChannel } from './topics.ts';

export interface PubSubOptions {
  /** 0 takes any that is free. */
  port: number;
  /** None: made for this start. */
  tls?: SelfSigned;
  /** Whether an access token is a session now; none: any is. */
  acceptsToken?: (token: string) => boolean;
  /** For signs of life; none: the system's. */
  timers?: Timers;
  /** Distances between replay ids; seeded, none: of seed 1. */
  random?: Random;
  /** None: 8. */
  replay_id_bytes?: number;
  rules?: Partial<EventRules>;
  channels?: readonly CustomChannel[];
  platform_events?: readonly PlatformEvent[];
  managed_subscriptions?: readonly ManagedSubscription[];
}

/** A subscription whose place the service keeps. */
export interface ManagedSubscription {
  id: string;
  developer_name: string;
  topic: string;
}

export interface RunningPubSub {
  port: number;
  /** The certificate that a client has to trust, PEM. */
  certificate: string;
  faults: PubSubFaults;
  /** Subscribers whose place is held now. */
  streams(): number;
  /** Events sent so far, those that were sent twice counted twice. */
  delivered(): number;
  /** Calls so far, by name. */
  calls: Readonly<Record<RpcName, number>>;
  close(): Promise<void>;
}

/** The very file that the product reads. */
const PROTO = fileURLToPath(new URL('../../../records/salesforce/pubsub/pubsub_api.proto', import.meta.url));
const HOST = '127.0.0.1';
/** Concurrent streams of a topic (records.md §12.10). */
const MOST_STREAMS = 100;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** For clients to hear that their streams have ended. */
const GOODBYE_MS = 200;

/** @throws UnreachableError `sandbox.port` */
export async function startPubSub(org: Org, options: PubSubOptions): Promise<RunningPubSub> {
  const tls = options.tls ?? (await makeSelfSigned());
  const service = new PubSubService(org, options);
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  const definition = loadSync(PROTO, { keepCase: true, longs: Number, enums: String, defaults: true });
  const packages = loadPackageDefinition(definition) as unknown as {
    eventbus: { v1: { PubSub: { service: ServiceDefinition } } };
  };
  server.addService(packages.eventbus.v1.PubSub.service, service.implementation());
  const credentials = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) },
  ]);
  const port = await bind(server, options.port, credentials);
  return {
    port,
    certificate: tls.cert,
    faults: service.faults,
    streams: () => service.streams,
    delivered: () => service.delivered,
    calls: service.calls,
    close: async () => {
      service.close();
      await shutDown(server, options.timers ?? systemTimers);
    },
  };
}

/** Streams have been ended; who does not go by himself is cut off. */
async function shutDown(server: Server, timers: Timers): Promise<void> {
  const gone = new AbortController();
  server.tryShutdown(() => gone.abort());
  await timers.sleep(GOODBYE_MS, gone.signal);
  server.forceShutdown();
}

function bind(server: Server, port: number, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${HOST}:${port}`, credentials, (cause, bound) => {
      if (!cause) return resolve(bound);
      reject(
        new UnreachableError('sandbox.port', `The sandbox cannot listen on port ${port}: ${messageOf(cause)}`, {
          hint: 'Choose another with --pubsub-port.',
          cause,
        }),
      );
    });
  });
}

type Stream<Request, Response> = ServerDuplexStream<Request, Response>;
/** As much of a stream as sending and ending need, whatever is asked on it. */
type Answering = Pick<Stream<unknown, FetchResponse>, 'sendMetadata' | 'write' | 'emit' | 'end' | 'on'>;

/** A stream whose first request is still to come, or has opened it. */
interface OpenStream {
  session: FetchSession<unknown> | null;
  topic: string;
}

class PubSubService {
  readonly faults: PubSubFaults;
  readonly calls: Record<RpcName, number> = {
    Subscribe: 0,
    ManagedSubscribe: 0,
    GetSchema: 0,
    GetTopic: 0,
    Publish: 0,
    PublishStream: 0,
  };
  readonly #org: Org;
  readonly #options: PubSubOptions;
  readonly #events: OrgEvents;
  readonly #timers: Timers;
  readonly #sessions = new Map<FetchSession<unknown>, { topic: string; call: Answering }>();
  /** By id of a managed subscription. */
  readonly #committed = new Map<string, Buffer>();
  delivered = 0;
  #rpcs = 0;

  constructor(org: Org, options: PubSubOptions) {
    this.#org = org;
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#events = new OrgEvents(org, {
      random: options.random ?? seededRandom(1),
      replay_id_bytes: options.replay_id_bytes ?? 8,
      rules: options.rules ?? {},
      channels: options.channels ?? [],
      platform_events: options.platform_events ?? [],
      endStreams: (error) => this.#endStreams(error),
    });
    this.faults = this.#events.faults;
  }

  implementation(): UntypedServiceImplementation {
    return {
      Subscribe: (call: Stream<FetchRequest, FetchResponse>) => this.#subscribe(call),
      ManagedSubscribe: (call: Stream<ManagedFetchRequest, FetchResponse>) => this.#managedSubscribe(call),
      PublishStream: (call: Stream<PublishRequest, PublishResponse>) => this.#publishStream(call),
      GetTopic: this.#unary('GetTopic', ({ topic_name }: { topic_name: string }, rpc_id) =>
        this.#topicInfo(topic_name, rpc_id),
      ),
      GetSchema: this.#unary('GetSchema', ({ schema_id }: { schema_id: string }, rpc_id) => {
        const schema_json = this.#events.schema(schema_id);
        return schema_json === null ? 'request' : { schema_json, schema_id, rpc_id };
      }),
      Publish: this.#unary('Publish', (request: PublishRequest, rpc_id) => this.#publish(request, rpc_id)),
    };
  }

  get streams(): number {
    return this.#sessions.size;
  }

  close(): void {
    for (const [session, { call }] of this.#sessions) {
      session.end();
      call.end();
    }
    this.#events.close();
  }

  #endStreams(error: ErrorName): void {
    for (const session of [...this.#sessions.keys()]) session.fail(error);
  }

  /** Begins a call; the refusal, when it is none. */
  #enter(rpc: RpcName, metadata: Metadata): { rpc_id: string; refused: ErrorName | null } {
    this.calls[rpc]++;
    const rpc_id = `rpc-${++this.#rpcs}`;
    const text = (key: string): string => metadata.get(key)[0]?.toString() ?? '';
    const token = text('accesstoken');
    const same_org = text('tenantid').slice(0, 15) === this.#org.org_id.slice(0, 15);
    const accepted =
      token !== '' && !this.faults.isRefusedToken(token) && (this.#options.acceptsToken?.(token) ?? true);
    const refused = accepted && same_org && text('instanceurl') !== '' ? this.faults.takeRefusal(rpc) : 'auth';
    return { rpc_id, refused };
  }

  #unary<Request, Response>(
    rpc: RpcName,
    answer: (request: Request, rpc_id: string) => Response | ErrorName,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const { rpc_id, refused } = this.#enter(rpc, call.metadata);
      const reply = refused ?? answer(call.request, rpc_id);
      if (typeof reply === 'string') callback(rpcError(reply as ErrorName, rpc_id));
      else callback(null, reply);
    };
  }

  #topicInfo(topic_name: string, rpc_id: string): object | ErrorName {
    const topic = this.#events.topic(topic_name);
    if (!topic) return 'topic';
    const tenant_guid = `core/${this.#org.org_id}`;
    return {
      topic_name,
      tenant_guid,
      can_publish: topic.can_publish,
      can_subscribe: true,
      schema_id: topic.schema_id,
      rpc_id,
    };
  }

  #publish(request: PublishRequest, rpc_id: string): PublishResponse | ErrorName {
    const topic = this.#events.topic(request.topic_name);
    if (!topic?.can_publish) return 'topic';
    const results = request.events.map((event) => this.#events.publish(request.topic_name, event));
    return { results, schema_id: topic.schema_id, rpc_id };
  }

  #publishStream(call: Stream<PublishRequest, PublishResponse>): void {
    const { rpc_id, refused } = this.#enter('PublishStream', call.metadata);
    if (refused) return void call.emit('error', rpcError(refused, rpc_id));
    call.on('data', (request: PublishRequest) => {
      const reply = this.#publish(request, rpc_id);
      if (typeof reply === 'string') call.emit('error', rpcError(reply, rpc_id));
      else call.write(reply);
    });
    call.on('end', () => call.end());
  }

  #subscribe(call: Stream<FetchRequest, FetchResponse>): void {
    const { rpc_id, refused } = this.#enter('Subscribe', call.metadata);
    const fail = (error: ErrorName): void => void call.emit('error', rpcError(error, rpc_id));
    if (refused) return fail(refused);
    const open: OpenStream = { session: null, topic: '' };
    call.on('data', (request: FetchRequest) => {
      // Topic and place are of the first request; later ones only ask for more.
      if (!open.session) {
        const opened = this.#open(request, call, rpc_id);
        if (typeof opened === 'string') return fail(opened);
        Object.assign(open, { session: opened, topic: request.topic_name });
      } else if (request.topic_name !== '' && request.topic_name !== open.topic) return open.session.fail('request');
      open.session?.request(request.num_requested);
    });
    this.#closeWith(call, open);
  }

  #open(
    { topic_name, replay_preset, replay_id }: FetchRequest,
    call: Answering,
    rpc_id: string,
  ): FetchSession<unknown> | ErrorName {
    const topic = this.#events.topic(topic_name);
    if (!topic) return 'topic';
    const position = this.#events.position(replay_preset, replay_id);
    if (position === null) return 'replay_id';
    return this.#session(topic, position, call, rpc_id);
  }

  #session(topic: OpenTopic, position: number, call: Answering, rpc_id: string): FetchSession<unknown> | ErrorName {
    const streams = [...this.#sessions.values()].filter((open) => open.topic === topic.name).length;
    if (streams >= MOST_STREAMS) return 'too_many_clients';
    call.sendMetadata(new Metadata());
    const session: FetchSession<unknown> = this.#events.session(topic, position, {
      timers: this.#timers,
      rpc_id,
      send: (response) => {
        this.delivered += response.events.length;
        call.write(response);
      },
      fail: (error) => {
        this.#sessions.delete(session);
        call.emit('error', rpcError(error, rpc_id));
      },
    });
    this.#sessions.set(session, { topic: topic.name, call });
    return session;
  }

  /** Whoever goes, half-closes or breaks off gets nothing more. */
  #closeWith(call: Answering, open: OpenStream): void {
    const end = (): void => {
      if (!open.session) return;
      open.session.end();
      this.#sessions.delete(open.session);
    };
    call.on('cancelled', end);
    call.on('error', end);
    call.on('end', () => {
      end();
      call.end();
    });
  }

  #managedSubscribe(call: Stream<ManagedFetchRequest, FetchResponse>): void {
    const { rpc_id, refused } = this.#enter('ManagedSubscribe', call.metadata);
    const fail = (error: ErrorName): void => void call.emit('error', rpcError(error, rpc_id));
    if (refused) return fail(refused);
    const open: OpenStream & { id: string } = { session: null, topic: '', id: '' };
    call.on('data', (request: ManagedFetchRequest) => {
      if (!open.session) {
        const opened = this.#openManaged(request, call, rpc_id);
        if (typeof opened === 'string') return fail(opened);
        Object.assign(open, opened);
      }
      const commit = request.commit_replay_id_request;
      if (commit) call.write(this.#commit(open.id, commit, rpc_id) as unknown as FetchResponse);
      if (request.num_requested > 0) open.session?.request(request.num_requested);
    });
    this.#closeWith(call, open);
  }

  #openManaged(
    request: ManagedFetchRequest,
    call: Answering,
    rpc_id: string,
  ): { session: FetchSession<unknown>; id: string; topic: string } | ErrorName {
    const managed = (this.#options.managed_subscriptions ?? []).find(
      ({ id, developer_name }) => id === request.subscription_id || developer_name === request.developer_name,
    );
    const topic = managed && this.#events.topic(managed.topic);
    if (!managed || !topic) return 'topic';
    const committed = this.#committed.get(managed.id);
    const position = this.#events.position(committed ? 'CUSTOM' : 'LATEST', committed ?? Buffer.alloc(0));
    if (position === null) return 'replay_id';
    const session = this.#session(topic, position, call, rpc_id);
    return typeof session === 'string' ? session : { session, id: managed.id, topic: topic.name };
  }

  #commit(
    id: string,
    { commit_request_id, replay_id }: { commit_request_id: string; replay_id: Buffer },
    rpc_id: string,
  ): object {
    const known = this.#events.position('CUSTOM', replay_id) !== null;
    if (known) this.#committed.set(id, replay_id);
    const commit_response: CommitReplayResponse = {
      commit_request_id,
      replay_id,
      error: known ? null : { code: 'COMMIT', msg: 'The Replay ID validation failed' },
      process_time: this.#org.clock.now_ms(),
    };
    return { events: [], latest_replay_id: replay_id, rpc_id, pending_num_requested: 0, commit_response };
  }
}
