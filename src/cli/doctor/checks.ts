import { agentsCheck } from './agents-check.ts';
import type { Check } from './check.ts';
import { configCheck } from './config-check.ts';
import { connectionsCheck } from './connections-check.ts';
import { conversationsCheck } from './conversations-check.ts';
import { clockCheck, diskCheck, nodeCheck, platformCheck, sqliteCheck } from './environment-checks.ts';
import { oldPeersCheck } from './old-peers-check.ts';
import { homeCheck, lockCheck, spoolCheck } from './home-checks.ts';

/** In the order in which a fault explains those after it. */
export const CHECKS: readonly Check[] = [
  nodeCheck,
  sqliteCheck,
  platformCheck,
  homeCheck,
  lockCheck,
  configCheck,
  agentsCheck,
  connectionsCheck,
  conversationsCheck,
  oldPeersCheck,
  spoolCheck,
  diskCheck,
  clockCheck,
];
