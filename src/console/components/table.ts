import { html, type Html, type Part } from '../html.ts';

export interface Column<Row> {
  title: Part;
  /** Figures stand to the right, with figures of one width. */
  figure?: boolean;
  /** Text that may be long, such as a path. */
  wide?: boolean;
  cell(row: Row): Part;
}

export interface Table<Row> {
  /** Unique on its page. */
  id: string;
  caption: Part;
  /** The first column names its row. */
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** Stands in the place of the rows when there are none. */
  empty: Part;
  total?: Row | undefined;
  /** Below the table: what was left out, what a dash means. */
  note?: Part;
}

/** A table that a narrow screen scrolls on its own, so that the page itself never scrolls sideways. */
export function tableHtml<Row>({ id, caption, columns, rows, empty, total, note }: Table<Row>): Html {
  const caption_id = `${id}-caption`;
  const body =
    rows.length === 0
      ? html`<tr>
          <td class="empty" colspan="${columns.length}">${empty}</td>
        </tr>`
      : rows.map((row) => rowHtml(columns, row));
  return html`<div class="table" id="${id}">
    <div class="scroll" role="region" aria-labelledby="${caption_id}" tabindex="0">
      <table>
        <caption id="${caption_id}">
          ${caption}
        </caption>
        <thead>
          <tr>
            ${columns.map(({ title, figure }) => html`<th scope="col" class="${figure ? 'figure' : 'name'}">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
        ${
          total !== undefined &&
          rows.length > 1 &&
          html`<tfoot>
            ${rowHtml(columns, total)}
          </tfoot>`
        }
      </table>
    </div>
    ${note}
  </div>`;
}

function rowHtml<Row>(columns: readonly Column<Row>[], row: Row): Html {
  const cells = columns.map((column, index) => {
    const content = column.cell(row);
    if (index === 0) return html`<th scope="row" class="name">${content}</th>`;
    return html`<td class="${column.figure ? 'figure' : column.wide ? 'name wide' : 'name'}">${content}</td>`;
  });
  return html`<tr>
    ${cells}
  </tr> `;
}
