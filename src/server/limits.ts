/** Every limit of the server, with its unit in its name. Nothing a client does grows without one of these. */
export interface ServerLimits {
  /** Of a request's headers together. */
  max_header_bytes: number;
  /** Of a body as it comes over the network. */
  max_encoded_body_bytes: number;
  /** Of a body once decompressed. */
  max_body_bytes: number;
  max_items: number;
  /** Requests being answered at once; more are told to come back. */
  max_concurrent_requests: number;
  /** Body bytes, encoded and decoded, held for all requests together. */
  max_in_flight_bytes: number;
  /** For one request to arrive whole. */
  request_timeout_ms: number;
  /** How long a stop waits for requests that are being answered. */
  stop_timeout_ms: number;
  /** Per token. */
  requests_per_minute: number;
  /** Per token. */
  items_per_day: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  max_header_bytes: 16 * 1024,
  max_encoded_body_bytes: 8 * 1024 * 1024,
  max_body_bytes: 16 * 1024 * 1024,
  max_items: 1000,
  max_concurrent_requests: 256,
  max_in_flight_bytes: 128 * 1024 * 1024,
  request_timeout_ms: 60_000,
  stop_timeout_ms: 10_000,
  requests_per_minute: 1200,
  items_per_day: 20_000_000,
};
