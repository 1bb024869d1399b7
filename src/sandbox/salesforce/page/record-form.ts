/** A record as a form, and what a person changed in it. */
import { html } from 'hono/html';
import type { FieldDefinition, FieldValue, Row } from '../org/fields.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';

/** Fields that a person may fill in, in the order of the object. */
export function editableFields(object: ObjectDefinition, is_new: boolean): FieldDefinition[] {
  return object.fields.filter(({ createable, updateable }) => (is_new ? createable : updateable));
}

/** Beside each field stands what it held, so that only what was changed is written. */
export function fieldInputs(object: ObjectDefinition, row: Row | null): unknown {
  return html`<div class="fields">
    ${editableFields(object, row === null).map((field) => fieldInput(field, shown(field, row?.[field.name] ?? null)))}
  </div>`;
}

function fieldInput(field: FieldDefinition, value: string): unknown {
  const { name, type, label, nillable } = field;
  const was = html`<input type="hidden" name="was.${name}" value="${value}" />`;
  if (type === 'boolean')
    return html`<label class="check"
      >${was}<input type="checkbox" name="${name}" value="true" ${value === 'true' ? 'checked' : ''} />${label}</label
    >`;
  const words = html`${label}${nillable || name === 'OwnerId' ? '' : ' (required)'}`;
  if (type === 'picklist') {
    const choices = ['', ...new Set([...field.picklist, value])].filter((each, i) => i === 0 || each !== '');
    return html`<label
      >${words}${was}<select name="${name}">
        ${choices.map((each) => html`<option ${each === value ? 'selected' : ''}>${each}</option>`)}
      </select></label
    >`;
  }
  if (type === 'textarea') return html`<label>${words}${was}<textarea name="${name}">${value}</textarea></label>`;
  return html`<label
    >${words}${was}<input name="${name}" type="${inputType(field)}" value="${value}" autocomplete="off"
  /></label>`;
}

function inputType({ type }: FieldDefinition): string {
  return type === 'date' ? 'date' : 'text';
}

/** As it stands in an input and in a table. */
export function shown(field: FieldDefinition, value: FieldValue): string {
  if (value === null) return '';
  return field.type === 'datetime' ? new Date(Number(value)).toISOString() : String(value);
}

/** Text of the fields whose input says something else than it said; empty is no value. */
export function changedValues(
  object: ObjectDefinition,
  is_new: boolean,
  form: URLSearchParams,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, type } of editableFields(object, is_new)) {
    const given =
      type === 'boolean' ? String(form.get(name) === 'true') : (form.get(name) ?? '').replaceAll('\r\n', '\n');
    const was = form.get(`was.${name}`) ?? '';
    if (given !== (type === 'boolean' && was === '' ? 'false' : was)) values[name] = given === '' ? null : given;
  }
  return values;
}
