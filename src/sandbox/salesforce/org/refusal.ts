import { SynclineError } from '../../../platform/errors.ts';

/**
 * What the organisation says no with: one of Salesforce's own status codes, the message and the fields at fault.
 * `code` is `sandbox.` and that status code.
 */
export class OrgRefusal extends SynclineError {
  /** `REQUIRED_FIELD_MISSING` */
  readonly status_code: string;
  readonly fields: readonly string[];
  /** Status of the reply where the refusal is the whole answer. */
  readonly http_status: number;

  constructor(status_code: string, message: string, fields: readonly string[] = [], http_status = 400) {
    super(`sandbox.${status_code}`, message);
    this.status_code = status_code;
    this.fields = fields;
    this.http_status = http_status;
  }
}

/** Several records have the same external id: status 300 with where they are (records.md §12.3). */
export class MultipleChoices extends OrgRefusal {
  readonly entity: string;
  readonly record_ids: readonly string[];

  constructor(entity: string, field: string, record_ids: readonly string[]) {
    super(
      'MULTIPLE_CHOICES',
      `More than one record found for external id field: [${record_ids.join(', ')}]`,
      [field],
      300,
    );
    this.entity = entity;
    this.record_ids = record_ids;
  }
}

/** The reply for an address that leads nowhere. */
export function notFound(): OrgRefusal {
  return new OrgRefusal('NOT_FOUND', 'The requested resource does not exist', [], 404);
}
