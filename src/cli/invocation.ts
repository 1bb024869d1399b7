import { UsageError } from '../platform/errors.ts';
import type { StreamName } from '../runtime/operator.ts';

export type OptionValue = string | boolean | readonly string[] | undefined;

/** The arguments and options of one call of a command, read by kind. */
export class Invocation {
  readonly #arguments: readonly (string | readonly string[] | undefined)[];
  readonly #options: Readonly<Record<string, OptionValue>>;

  constructor(
    args: readonly (string | readonly string[] | undefined)[],
    options: Readonly<Record<string, OptionValue>>,
  ) {
    this.#arguments = args;
    this.#options = options;
  }

  /** A positional argument; null when it was left out. */
  argument(index: number): string | null {
    const value = this.#arguments[index];
    return typeof value === 'string' ? value : null;
  }

  /** All values of a variadic argument. */
  rest(index: number): readonly string[] {
    const value = this.#arguments[index];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  /** The text of `--name TEXT`; null when not given. Names as commander makes them (`tls-cert` is `tlsCert`). */
  text(name: string): string | null {
    const value = this.#options[name];
    return typeof value === 'string' ? value : null;
  }

  /** Whether `--name` was given. */
  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  /** False when `--no-name` was given. */
  notDenied(name: string): boolean {
    return this.#options[name] !== false;
  }

  list(name: string): readonly string[] {
    const value = this.#options[name];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  /** @throws UsageError `usage.number` unless it is a whole number from 1. */
  number(name: string): number | null {
    const written = this.text(name);
    if (written === null) return null;
    if (/^[1-9]\d{0,8}$/.test(written)) return Number(written);
    throw new UsageError('usage.number', `--${name} must be a whole number from 1.`, { field: `--${name}` });
  }
}

/** Streams of this version. The others are names of product.md that later versions bring. */
const STREAMS: readonly StreamName[] = ['telemetry', 'sessions', 'memory'];

/**
 * The STREAM of a command; null means all.
 * @throws UsageError `usage.stream`
 */
export function streamArgument(written: string | null): StreamName | null {
  if (written === null) return null;
  const stream = STREAMS.find((name) => name === written);
  if (stream !== undefined) return stream;
  throw new UsageError('usage.stream', `There is no stream ${JSON.stringify(written)} in this version.`, {
    hint: `Streams: ${STREAMS.join(', ')}. Leave it out for all.`,
    field: 'stream',
  });
}
