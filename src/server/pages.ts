/** The console's pages, made elsewhere; the server decides who may see them. */
export interface PageRequest {
  path: string;
  query: URLSearchParams;
  team_id: string;
  member: string;
}

export interface Page {
  status: number;
  content_type: string;
  body: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

/** Answers GET for every path that no route of the API has; null: there is no such page. */
export type Pages = (request: PageRequest) => Promise<Page | null>;
