/**
 * What Salesforce says of an object (records.md §12.3, `GET /sobjects/{T}/describe`): the parts that decide about a mapping, by the
 * vendor's names. `salesforce/describe.ts` reads them.
 */

export interface ObjectDescribe {
  readonly name: string;
  readonly queryable: boolean;
  readonly createable: boolean;
  readonly updateable: boolean;
  readonly deletable: boolean;
  readonly fields: readonly FieldDescribe[];
}

export interface FieldDescribe {
  readonly name: string;
  readonly type: string;
  /** Characters of a text; 0 where it has none. */
  readonly length: number;
  readonly precision: number;
  readonly scale: number;
  readonly nillable: boolean;
  readonly createable: boolean;
  readonly updateable: boolean;
  readonly externalId: boolean;
  readonly idLookup: boolean;
  readonly unique: boolean;
  readonly caseSensitive: boolean;
  /** A formula. */
  readonly calculated: boolean;
  readonly defaultedOnCreate: boolean;
  readonly defaultValue?: unknown;
  /** The compound field (address, name) that this is a part of. */
  readonly compoundFieldName: string | null;
  readonly referenceTo: readonly string[];
  readonly relationshipName: string | null;
  readonly picklistValues: readonly { readonly value: string; readonly active: boolean }[];
}

/** Whether two external ids that differ in case are two records: only where the field is unique and says so. */
export function tellsCase({ unique, caseSensitive }: Pick<FieldDescribe, 'unique' | 'caseSensitive'>): boolean {
  return unique && caseSensitive;
}
