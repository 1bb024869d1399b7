import { visibleWidth } from '../format/color.ts';
import type { TextSink } from '../host.ts';

/**
 * Lines that are drawn again in place on a terminal. Elsewhere each line is written once, when it first appears, and a
 * changed line only by `finish`: a log file gets no progress bars.
 */
export class LiveBlock {
  readonly #sink: TextSink;
  readonly #is_tty: boolean;
  readonly #columns: () => number;
  #drawn: readonly string[] = [];

  constructor(sink: TextSink, is_tty: boolean, columns: () => number) {
    this.#sink = sink;
    this.#is_tty = is_tty;
    this.#columns = columns;
  }

  /** Shows these lines instead of those shown before. */
  draw(lines: readonly string[]): void {
    if (this.#is_tty) this.#redraw(lines);
    else if (this.#drawn.length === 0) this.#write(lines);
    else return;
    this.#drawn = lines;
  }

  /** The last state: where nothing can be redrawn, the lines that have changed are written once more. */
  finish(lines: readonly string[]): void {
    if (this.#is_tty) this.#redraw(lines);
    else this.#write(lines.filter((line) => !this.#drawn.includes(line)));
    this.#drawn = lines;
  }

  #redraw(lines: readonly string[]): void {
    // Long lines wrap, so one line may stand on several rows of the terminal.
    const columns = Math.max(1, this.#columns());
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(visibleWidth(line) / columns)), 0);
    const back = rows === 0 ? '' : `\u001b[${rows}A`;
    this.#sink.write(`${back}\u001b[0J${lines.join('\n')}\n`);
  }

  #write(lines: readonly string[]): void {
    if (lines.length > 0) this.#sink.write(`${lines.join('\n')}\n`);
  }
}
