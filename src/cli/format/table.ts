/** Tables that fit the terminal. */
import { cut, pad, visibleWidth, type Palette } from './color.ts';
import { safe } from './safe.ts';

export interface Column<Row> {
  title: string;
  /** Plain text; cut when the table is too wide and the column may shrink. */
  text(row: Row): string;
  align?: 'left' | 'right';
  /** Least width when the table must shrink; without it the column keeps its width. */
  shrink_to?: number;
  /** Only shown where the terminal has at least so many columns. */
  from_width?: number;
  /** Colours a cell after it has been cut. */
  paint?(text: string, row: Row): string;
}

const GAP = '  ';

/**
 * Lines of a table: titles, then rows. When it is wider than `width`, columns with `shrink_to` give way, the widest
 * first; a table whose columns cannot shrink enough is left too wide rather than wrong.
 */
export function renderTable<Row>(
  all: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  palette: Palette,
): string[] {
  const columns = all.filter(({ from_width = 0 }) => width >= from_width);
  const cells = rows.map((row) => columns.map((column) => safe(column.text(row))));
  const widths = columns.map((column, index) =>
    Math.max(visibleWidth(column.title), ...cells.map((line) => visibleWidth(line[index] ?? ''))),
  );
  shrink(columns, widths, width - GAP.length * (columns.length - 1));

  const line = (texts: readonly string[], paint: (text: string, column: number) => string): string =>
    texts
      .map((text, index) => {
        const space = widths[index] ?? 0;
        return paint(pad(cut(text, space), space, columns[index]?.align), index);
      })
      .join(GAP)
      .trimEnd();
  const titles = columns.map((column) => column.title);
  return [
    line(titles, (text) => palette.dim(text)),
    ...rows.map((row, index) =>
      line(cells[index] ?? [], (text, column) => columns[column]?.paint?.(text, row) ?? text),
    ),
  ];
}

function shrink<Row>(columns: readonly Column<Row>[], widths: number[], available: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, 0);
  while (total() > available) {
    let widest = -1;
    columns.forEach((column, index) => {
      const room = (widths[index] ?? 0) - Math.max(column.shrink_to ?? Infinity, 1);
      if (room > 0 && (widest === -1 || (widths[index] ?? 0) > (widths[widest] ?? 0))) widest = index;
    });
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
