/** What a check of a mapping says. */

/** `error`: it cannot work · `warning`: some records will not go over, and be reported one by one. */
export interface MappingFinding {
  readonly severity: 'error' | 'warning';
  /** The mapping's name of the field; null: the object, the table or their keys. */
  readonly field: string | null;
  /** What is wrong and what to do, in one or two sentences. */
  readonly message: string;
}

/** Says something of one field, or of the whole. */
export type Say = (severity: MappingFinding['severity'], message: string) => void;
