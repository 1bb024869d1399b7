import { PRICE_TABLE_DATE } from '../agents/pricing/price-table.ts';
import type { Reader } from '../telemetry/store/report.ts';
import type { DataDirectory } from './data-directory.ts';

/** Who reads at home: the directory's team, this machine's time zone, names from the label file. */
export function localReader({ labels, options }: DataDirectory): () => Reader {
  return () => ({
    team_id: options.team_id,
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    price_date: PRICE_TABLE_DATE,
    project_names: (hash) => labels.find(hash)?.name ?? null,
  });
}
