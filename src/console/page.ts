/**
 * What the console answers. The server names the same shapes (`Pages`); they are written here a second time because the
 * console must not import the server, which decides who may see a page.
 */
export interface ConsoleRequest {
  path: string;
  query: URLSearchParams;
}

export interface ConsolePage {
  status: number;
  content_type: string;
  body: string;
  headers: Record<string, string>;
}

/** Null: the console has no such page. */
export type ConsolePages = (request: ConsoleRequest) => Promise<ConsolePage | null>;
