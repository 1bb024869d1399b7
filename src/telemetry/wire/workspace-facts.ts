import { z } from 'zod';
import { MAX_HASHES, text } from './scalars.ts';

const slugs = z.array(text).max(MAX_HASHES);

/** Which skills and rules a workspace offers its agents, as hashes (telemetry specification §2.4). */
export const wireWorkspaceFacts = z.object({ skill_slugs: slugs, rule_slugs: slugs });

/** One account of a workspace as it stands in the body of `POST /v1/workspace-facts`. */
export type WireWorkspaceFacts = z.infer<typeof wireWorkspaceFacts>;
