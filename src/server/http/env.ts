import type { HttpBindings } from '@hono/node-server';

/** What handlers find besides the request: Node's own objects. */
export interface ServerEnv {
  Bindings: HttpBindings;
}
