import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TelemetryKind } from '../telemetry/wire/body.ts';
import type { InFlight } from './http/in-flight.ts';

/** The server's metrics. Labels are routes, statuses and kinds only: none comes from a client's text. */
export class ServerMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #duration: Histogram<'route'>;
  readonly #items: Counter<'kind' | 'result'>;
  readonly #body_bytes: Counter<'kind'>;

  constructor(in_flight: InFlight, storeBytes: () => number) {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: 'syncline_http_requests_total',
      help: 'Requests answered, by route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'syncline_http_request_seconds',
      help: 'Time from the headers to the answer.',
      labelNames: ['route'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    });
    this.#items = new Counter({
      name: 'syncline_ingest_items_total',
      help: 'Telemetry items taken in, new and already known.',
      labelNames: ['kind', 'result'],
      registers,
    });
    this.#body_bytes = new Counter({
      name: 'syncline_ingest_body_bytes_total',
      help: 'Decoded bytes of accepted bodies.',
      labelNames: ['kind'],
      registers,
    });
    observed('syncline_http_in_flight_requests', 'Requests being answered now.', registers, () => in_flight.requests);
    observed('syncline_http_in_flight_bytes', 'Body bytes held now.', registers, () => in_flight.bytes);
    observed('syncline_store_bytes', 'Size of the telemetry store.', registers, storeBytes);
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status });
    this.#duration.observe({ route }, seconds);
  }

  ingested(kind: TelemetryKind, received: number, deduped: number, body_bytes: number): void {
    this.#items.inc({ kind, result: 'stored' }, received - deduped);
    this.#items.inc({ kind, result: 'deduped' }, deduped);
    this.#body_bytes.inc({ kind }, body_bytes);
  }
}

function observed(name: string, help: string, registers: Registry[], read: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
