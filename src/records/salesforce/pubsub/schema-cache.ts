/** Schemas by id: fetched once each however many events ask at the same time. An id never means another schema. */
import { parseEventSchema, type EventSchema } from './event-schema.ts';

/** Fetches the JSON of a schema. */
export type FetchSchema = (schema_id: string) => Promise<string>;

/** Objects of an organisation times the changes of their fields since the start; the oldest goes. */
const MOST_SCHEMAS = 512;

/** What came is no schema that can be read; asking again would give the same. */
export class UnreadableSchemaError extends Error {}

export class SchemaCache {
  #schemas = new Map<string, Promise<EventSchema>>();

  /**
   * The schema of an id. What `fetch` throws passes through, and the next call asks again.
   * @throws UnreadableSchemaError
   */
  get(schema_id: string, fetch: FetchSchema): Promise<EventSchema> {
    const known = this.#schemas.get(schema_id);
    if (known) return known;
    const schema = this.#load(schema_id, fetch);
    this.#schemas.set(schema_id, schema);
    const [oldest] = this.#schemas.keys();
    if (this.#schemas.size > MOST_SCHEMAS && oldest !== undefined) this.#schemas.delete(oldest);
    return schema;
  }

  async #load(schema_id: string, fetch: FetchSchema): Promise<EventSchema> {
    let json: string;
    try {
      json = await fetch(schema_id);
    } catch (error) {
      this.#schemas.delete(schema_id);
      throw error;
    }
    try {
      return parseEventSchema(schema_id, json);
    } catch {
      throw new UnreadableSchemaError();
    }
  }
}
