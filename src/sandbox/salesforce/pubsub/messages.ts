/** The messages of pubsub_api.proto as the server's loader gives and takes them (`keepCase`, with defaults). */

export interface FetchRequest {
  topic_name: string;
  replay_preset: 'LATEST' | 'EARLIEST' | 'CUSTOM';
  replay_id: Buffer;
  num_requested: number;
}

export interface ManagedFetchRequest {
  subscription_id: string;
  developer_name: string;
  num_requested: number;
  commit_replay_id_request: { commit_request_id: string; replay_id: Buffer } | null;
}

export interface ProducerEvent {
  id: string;
  schema_id: string;
  payload: Buffer;
}

export interface ConsumerEvent {
  event: ProducerEvent;
  replay_id: Buffer;
}

export interface FetchResponse {
  events: ConsumerEvent[];
  latest_replay_id: Buffer;
  rpc_id: string;
  pending_num_requested: number;
}

export interface CommitReplayResponse {
  commit_request_id: string;
  replay_id: Buffer;
  error: { code: 'COMMIT'; msg: string } | null;
  process_time: number;
}

export interface PublishRequest {
  topic_name: string;
  events: ProducerEvent[];
}

export interface PublishResponse {
  results: { replay_id: Buffer; error: { code: 'PUBLISH'; msg: string } | null; correlation_key: string }[];
  schema_id: string;
  rpc_id: string;
}
