/** What a person sees in the browser: objects, their records, and a form for each. */
import { html } from 'hono/html';
import type { ApiReply, ApiRequest } from '../http/exchange.ts';
import type { Row } from '../org/fields.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';
import type { Org } from '../org/org.ts';
import { OrgRefusal } from '../org/refusal.ts';
import { rowId } from '../org/transaction.ts';
import { valueOf } from '../soql/field-reader.ts';
import { documentOf, htmlReply } from './document.ts';
import { changedValues, fieldInputs, shown } from './record-form.ts';

const MAX_ROWS = 100;
/** Columns of the list, where the object has them. */
const COLUMNS = ['Name', 'External_Id__c', 'Phone', 'Email', 'StageName', 'Status__c', 'Amount', 'Amount__c'];

/** `/`, `/objects/{T}`, `/objects/{T}/new`, `/objects/{T}/{id}`; null for other addresses. */
export function page(org: Org, request: ApiRequest): ApiReply | null {
  const [first, entity, id, ...more] = request.path;
  if (first === undefined) return htmlReply(objectsPage(org));
  if (first !== 'objects' || entity === undefined || more.length > 0) return null;
  try {
    const { definition } = org.table(entity);
    if (id === undefined) return htmlReply(recordsPage(org, definition, request.query.get('q') ?? ''));
    if (request.method === 'POST') return save(org, definition, id, new URLSearchParams(request.body.toString('utf8')));
    return htmlReply(recordPage(org, definition, id === 'new' ? null : rowOf(org, definition, id), null));
  } catch (error) {
    if (!(error instanceof OrgRefusal)) throw error;
    return htmlReply(
      documentOf(
        'Not found',
        html`<h1>Not found</h1>
          <p>${error.message}</p>`,
      ),
      error.http_status,
    );
  }
}

function objectsPage(org: Org): string {
  const rows = org.objects().map(
    ({ name, label }) =>
      html`<tr>
        <td><a href="/objects/${name}">${label}</a></td>
        <td><code>${name}</code></td>
        <td class="number">${org.rows(name).length}</td>
      </tr>`,
  );
  return documentOf(
    'Objects',
    html`<h1>Objects</h1>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Object</th>
              <th scope="col">Name in the API</th>
              <th scope="col">Records</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </div>
      <h2>Control</h2>
      <p>
        Faults, time, the log of requests and of commits: <a href="/__sim">/__sim</a>. What you change here comes as an
        edit of a person: through no API, with change events.
      </p>`,
  );
}

function recordsPage(org: Org, object: ObjectDefinition, query: string): string {
  const columns = COLUMNS.flatMap((name) => object.field(name) ?? []).slice(0, 4);
  const wanted = query.toLowerCase();
  const all = [...org.table(object.name).rowsByModstamp(-Infinity, Infinity)].reverse();
  const found = all.filter(
    (row) => wanted === '' || columns.some((field) => textOf(field, row).toLowerCase().includes(wanted)),
  );
  const rows = found.slice(0, MAX_ROWS).map(
    (row) =>
      html`<tr>
        <td>
          <a href="/objects/${object.name}/${rowId(row)}"><code>${rowId(row)}</code></a>
        </td>
        ${columns.map((field) => html`<td>${textOf(field, row)}</td>`)}
        <td class="soft">${row['IsDeleted'] === true ? 'in the recycle bin' : changedAt(row)}</td>
      </tr>`,
  );
  return documentOf(
    object.label,
    html`<h1>${object.label}</h1>
      <form method="get" role="search" class="actions">
        <label>Find <input name="q" value="${query}" /></label>
      </form>
      <p class="actions"><a href="/objects/${object.name}/new">New ${object.label}</a></p>
      ${
        rows.length === 0
          ? html`<p class="soft">${query === '' ? 'No record yet.' : 'Nothing found.'}</p>`
          : html`<div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Id</th>
                    ${columns.map(({ label }) => html`<th scope="col">${label}</th>`)}
                    <th scope="col">Changed</th>
                  </tr>
                </thead>
                <tbody>
                  ${rows}
                </tbody>
              </table>
            </div>`
      }
      ${found.length > MAX_ROWS ? html`<p class="soft">The newest ${MAX_ROWS} of ${found.length}.</p>` : ''}`,
  );
}

function textOf(field: ObjectDefinition['fields'][number], row: Row): string {
  const value = valueOf(field, row);
  return typeof value === 'object' ? '' : shown(field, value);
}

function changedAt(row: Row): string {
  return new Date(Number(row['SystemModstamp'])).toISOString().replace('T', ' ').replace('.000Z', ' UTC');
}

function recordPage(org: Org, object: ObjectDefinition, row: Row | null, problem: OrgRefusal | null): string {
  const title = row ? String(row['Name'] ?? rowId(row)) : `New ${object.label}`;
  const address = `/objects/${object.name}/${row ? rowId(row) : 'new'}`;
  const deleted = row?.['IsDeleted'] === true;
  return documentOf(
    title,
    html`<p class="soft"><a href="/objects/${object.name}">${object.label}</a></p>
      <h1>${title}</h1>
      ${problem ? html`<p class="problem" role="alert"><code>${problem.status_code}</code> ${problem.message}</p>` : ''}
      ${
        deleted
          ? html`<form method="post" action="${address}">
              <p>In the recycle bin.</p>
              <p class="actions">
                <button name="act" value="undelete">Restore</button>
                <button name="act" value="purge" class="bad">Delete for good</button>
              </p>
            </form>`
          : html`<form method="post" action="${address}">
              ${fieldInputs(object, row)}
              <p class="actions">
                <button name="act" value="save">Save</button>
                ${row ? html`<button name="act" value="delete" class="bad">Delete</button>` : ''}
              </p>
            </form>`
      }
      ${row ? facts(org, row) : ''}`,
  );
}

function facts(org: Org, row: Row): unknown {
  const user = org.row('User', String(row['LastModifiedById']))?.['Username'] ?? '';
  return html`<dl>
    <dt>Id</dt>
    <dd><code>${rowId(row)}</code></dd>
    <dt>SystemModstamp</dt>
    <dd>${changedAt(row)}</dd>
    <dt>Last changed by</dt>
    <dd>${String(user)}</dd>
  </dl>`;
}

function rowOf(org: Org, object: ObjectDefinition, id: string): Row {
  const row = org.row(object.name, id);
  if (!row) throw new OrgRefusal('NOT_FOUND', 'There is no such record', [], 404);
  return row;
}

/** Then to the record; what is refused shows the form again with the reason. */
function save(org: Org, object: ObjectDefinition, id: string, form: URLSearchParams): ApiReply {
  const row = id === 'new' ? null : rowOf(org, object, id);
  const { name } = object;
  const values = changedValues(object, row === null, form);
  try {
    const act = form.get('act');
    if (row && (act === 'delete' || act === 'undelete' || act === 'purge')) {
      org[act](name, id);
      return seeOther(act === 'undelete' ? `/objects/${name}/${id}` : `/objects/${name}`);
    }
    const saved = org.transaction((transaction) => {
      if (!row) return transaction.create(name, values, { form: 'text' });
      if (Object.keys(values).length > 0) transaction.update(name, id, values, { form: 'text' });
      return id;
    });
    return seeOther(`/objects/${name}/${saved}`);
  } catch (error) {
    if (!(error instanceof OrgRefusal)) throw error;
    return htmlReply(recordPage(org, object, row, error), 400);
  }
}

function seeOther(location: string): ApiReply {
  return { status: 303, headers: { location } };
}
