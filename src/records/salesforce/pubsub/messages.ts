/** The messages of pubsub_api.proto that we use, as the proto loader gives and takes them (`keepCase`). */

export interface FetchRequest {
  topic_name: string;
  num_requested: number;
  /** These two in the first request of a stream only. */
  replay_preset?: 'LATEST' | 'EARLIEST' | 'CUSTOM';
  replay_id?: Uint8Array;
}

export interface ConsumerEvent {
  /** Null when the server sent an event without its content. */
  event: { id: string; schema_id: string; payload: Buffer } | null;
  replay_id: Buffer;
}

/** Without events: a sign of life, whose `latest_replay_id` may be stored. */
export interface FetchResponse {
  events: ConsumerEvent[];
  latest_replay_id: Buffer;
  pending_num_requested: number;
}
