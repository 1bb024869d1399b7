/** CSV of Bulk API 2.0, in the delimiter and line ending that the job names (records.md §12.7). */
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';

export const DELIMITERS = {
  COMMA: ',',
  TAB: '\t',
  PIPE: '|',
  SEMICOLON: ';',
  CARET: '^',
  BACKQUOTE: '`',
} as const;
export type ColumnDelimiter = keyof typeof DELIMITERS;

export const LINE_ENDINGS = { LF: '\n', CRLF: '\r\n' } as const;
export type LineEnding = keyof typeof LINE_ENDINGS;

export interface CsvForm {
  columnDelimiter: ColumnDelimiter;
  lineEnding: LineEnding;
}

export interface CsvContent {
  columns: string[];
  rows: string[][];
}

/** The content of a file; a text that says what is wrong when it is none of this form. */
export function readCsv(csv: Buffer, form: CsvForm): CsvContent | string {
  try {
    const [columns = [], ...rows] = parse(csv, {
      bom: true,
      delimiter: DELIMITERS[form.columnDelimiter],
      record_delimiter: LINE_ENDINGS[form.lineEnding],
      skip_empty_lines: true,
      relax_column_count: true,
    });
    return { columns, rows };
  } catch (error) {
    if (error instanceof CsvError) return error.message;
    throw error;
  }
}

/** A file of results: every value in quotes. */
export function writeCsv(columns: readonly string[], rows: readonly (readonly string[])[], form: CsvForm): string {
  return stringify([columns, ...rows] as string[][], {
    delimiter: DELIMITERS[form.columnDelimiter],
    record_delimiter: LINE_ENDINGS[form.lineEnding],
    quoted: true,
    quoted_empty: true,
  });
}
