import type { Submittable } from 'pg';

/** One statement of several that are sent together. */
export type Step =
  | { sql: string; values: readonly StepValue[] }
  | { /** `COPY … FROM STDIN (FORMAT binary)` */ sql: string; copy: readonly Buffer[] };

/** In PostgreSQL's text form; null. */
export type StepValue = string | null;

/** What `pg` gives to a query of one's own; the last two are not in its types. */
interface Wire {
  parse(query: { text: string }): void;
  bind(config: { values: readonly StepValue[] }): void;
  execute(config: null): void;
  sync(): void;
  endCopyFrom(): void;
  readonly stream: { cork(): void; uncork(): void; write(bytes: Buffer): void };
}

const COPY_DATA = 'd'.charCodeAt(0);

/**
 * Statements that need no answer of each other, sent at once: one round trip for all, COPY data included. They run in
 * order, each seeing what those before it did; after one that fails none of the rest runs (PostgreSQL manual,
 * "Extended Query Pipelining": the server skips everything, COPY data too, up to the Sync at the end).
 */
export class StepsQuery implements Submittable {
  readonly done: Promise<void>;
  readonly #steps: readonly Step[];
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: object): void {
    const wire = connection as Wire;
    wire.stream.cork();
    try {
      for (const step of this.#steps) {
        wire.parse({ text: step.sql });
        wire.bind({ values: 'values' in step ? step.values : [] });
        wire.execute(null);
        if (!('copy' in step)) continue;
        for (const chunk of step.copy) sendCopyData(wire, chunk);
        wire.endCopyFrom();
      }
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }

  // What answers to the steps say is not needed.
  handleCopyInResponse(): void {}
  handleCommandComplete(): void {}
  handleDataRow(): void {}
  handleRowDescription(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

/** As the message CopyData ("Message Formats"): `pg` would copy every chunk behind a header. */
function sendCopyData({ stream }: Wire, chunk: Buffer): void {
  const header = Buffer.allocUnsafe(5);
  header.writeInt32BE(chunk.length + 4, header.writeUInt8(COPY_DATA));
  stream.write(header);
  stream.write(chunk);
}

/** `values` as the text of a PostgreSQL array. Texts hold no NUL. */
export function arrayText(values: readonly (string | number | bigint | boolean | null)[]): string {
  return `{${values.map(elementText).join(',')}}`;
}

function elementText(value: string | number | bigint | boolean | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value);
}

/** A text that PostgreSQL takes: it has no NUL, and UTF-8 has no half characters. */
export function storable(text: string): string {
  const formed = text.toWellFormed();
  return formed.includes('\0') ? formed.replaceAll('\0', '\ufffd') : formed;
}
