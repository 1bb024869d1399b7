/** The gRPC connection to one Pub/Sub endpoint. gRPC is loaded when one is opened: most commands never do. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rootCertificates } from 'node:tls';
import type * as grpc from '@grpc/grpc-js';
import type { Token } from '../sign-in/token.ts';
import type { FetchRequest, FetchResponse } from './messages.ts';

/** What each call tells about us. */
export type PubSubSession = Pick<Token, 'access_token' | 'instance_url' | 'organization_id'>;

export interface ChannelOptions {
  /** `api.pubsub.salesforce.com:7443` */
  endpoint: string;
  /** PEM file with authorities besides the known ones; for a simulator its own certificate. */
  ca_file?: string;
  /** False takes any certificate: for a simulator on this machine only. */
  verify?: boolean;
}

/** A stream of events. Errors come out of `responses`, as gRPC throws them. */
export interface FetchStream {
  request(request: FetchRequest): void;
  responses: AsyncIterator<FetchResponse>;
  /** The server has taken the stream: from here on it holds our place. */
  accepted(): boolean;
  /** Ends it; may be called more than once. */
  cancel(): void;
}

export interface PubSubChannel {
  subscribe(session: PubSubSession): FetchStream;
  /** The Avro schema of an id, as JSON text. Rejects as gRPC does, also when the signal aborts. */
  schema(session: PubSubSession, schema_id: string, signal: AbortSignal): Promise<string>;
  close(): void;
}

/** Messages are 4 MB at most (records.md §12.10); a little more, so that a header never decides. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

const PROTO = fileURLToPath(new URL('./pubsub_api.proto', import.meta.url));

type Call = grpc.ClientDuplexStream<FetchRequest, FetchResponse>;

interface PubSubClient extends grpc.Client {
  Subscribe(metadata: grpc.Metadata): Call;
  GetSchema(
    request: { schema_id: string },
    metadata: grpc.Metadata,
    callback: (error: grpc.ServiceError | null, info?: { schema_json: string }) => void,
  ): grpc.ClientUnaryCall;
}

/** Connects when it is first used. */
export async function openChannel(options: ChannelOptions): Promise<PubSubChannel> {
  const [runtime, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const definition = loader.loadSync(PROTO, { keepCase: true, longs: String, enums: String, defaults: true });
  const packages = runtime.loadPackageDefinition(definition) as unknown as {
    eventbus: { v1: { PubSub: new (...parameters: ConstructorParameters<typeof grpc.Client>) => PubSubClient } };
  };
  const credentials = runtime.credentials.createSsl(authorities(options.ca_file), null, null, {
    rejectUnauthorized: options.verify ?? true,
  });
  const client = new packages.eventbus.v1.PubSub(options.endpoint, credentials, {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    // Back-off is ours (engine/retry.ts); the library's own must not add to it.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
  });
  const metadataOf = (session: PubSubSession): grpc.Metadata => {
    const metadata = new runtime.Metadata();
    metadata.set('accesstoken', session.access_token);
    metadata.set('instanceurl', session.instance_url);
    metadata.set('tenantid', session.organization_id);
    return metadata;
  };
  return {
    subscribe: (session) => fetchStream(client.Subscribe(metadataOf(session))),
    schema: (session, schema_id, signal) =>
      new Promise((resolve, reject) => {
        const call = client.GetSchema({ schema_id }, metadataOf(session), (error, info) => {
          signal.removeEventListener('abort', cancel);
          if (error) return reject(error);
          resolve(info?.schema_json ?? '');
        });
        const cancel = (): void => call.cancel();
        if (signal.aborted) return cancel();
        signal.addEventListener('abort', cancel, { once: true });
      }),
    close: () => client.close(),
  };
}

function authorities(ca_file: string | undefined): Buffer | null {
  if (ca_file === undefined) return null;
  return Buffer.concat([readFileSync(ca_file), Buffer.from(`\n${rootCertificates.join('\n')}`)]);
}

function fetchStream(call: Call): FetchStream {
  let accepted = false;
  call.on('metadata', () => (accepted = true));
  // The iterator reports errors while somebody waits; one that comes before or after must not end the process.
  call.on('error', () => undefined);
  return {
    request: (request) => void call.write(request),
    responses: call[Symbol.asyncIterator]() as AsyncIterator<FetchResponse>,
    accepted: () => accepted,
    cancel: () => call.cancel(),
  };
}
