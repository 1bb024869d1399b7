import { errorReply, type ApiReply } from '../http/exchange.ts';
import type { Row } from '../org/fields.ts';

/**
 * 304 or 412 where If-Modified-Since or If-Unmodified-Since is not met, else null: an optimistic lock to the second
 * (records.md §12.1).
 */
export function conditionReply(headers: Readonly<Record<string, string>>, row: Row): ApiReply | null {
  const modified_ms = Number(row['LastModifiedDate']);
  const since_ms = Date.parse(headers['if-modified-since'] ?? '');
  if (modified_ms <= since_ms) return { status: 304 };
  const unmodified_ms = Date.parse(headers['if-unmodified-since'] ?? '');
  if (modified_ms > unmodified_ms)
    return errorReply(412, 'PRECONDITION_FAILED', 'The record was modified since the date in If-Unmodified-Since');
  return null;
}
