import { z } from 'zod';
import { configSchema } from './schema.ts';

/** JSON Schema (draft 2020-12) of the file as written, for editors that complete TOML. */
export function configJsonSchema(): object {
  return { title: 'Syncline configuration', ...z.toJSONSchema(configSchema, { io: 'input' }) };
}
