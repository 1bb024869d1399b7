import type { Redactor } from '../redaction/redactor.ts';
import type { Tally } from '../redaction/report.ts';
import type { LinkDetail } from './operation.ts';

/**
 * The detail of a link without secrets: all of it is free text, whatever its names promise. A signature over a text that had
 * to be masked fits no more and goes with it.
 */
export function maskedLinkDetail(redactor: Redactor, detail: LinkDetail, tally?: Tally): LinkDetail {
  const { signature, ...texts } = detail;
  const masked = redactor.redactValue(texts, tally) as LinkDetail;
  const is_same = JSON.stringify(masked) === JSON.stringify(texts);
  return signature === undefined || !is_same || !/^[A-Za-z0-9+/]{86}==$/.test(signature)
    ? masked
    : { ...masked, signature };
}
