/** Ids of Salesforce: 15 characters in which case counts, or those and 3 more that say which are capitals (records.md §12.1). */

const CHECKSUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** The 18-character form of either form; null when the text is neither. */
export function fullSalesforceId(id: string): string | null {
  if (!/^(?:[0-9A-Za-z]{15}|[0-9A-Za-z]{18})$/.test(id)) return null;
  if (id.length === 18) return id;
  return id + checksumOf(id);
}

function checksumOf(id: string): string {
  let checksum = '';
  for (let block = 0; block < 15; block += 5) {
    let capitals = 0;
    for (let at = 0; at < 5; at++) if (/[A-Z]/.test(id[block + at] ?? '')) capitals |= 1 << at;
    checksum += CHECKSUM[capitals] ?? '';
  }
  return checksum;
}
