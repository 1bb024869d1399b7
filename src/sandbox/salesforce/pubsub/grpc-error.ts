/** Refusals as the Pub/Sub API makes them: a gRPC status, a trailer that says which, and the id of the call (records.md §12.10). */
import { Metadata, status } from '@grpc/grpc-js';
import { ERROR_CODES, type ErrorName } from './faults.ts';

export interface RpcError {
  code: number;
  details: string;
  metadata: Metadata;
}

const STATUS: Readonly<Record<ErrorName, { code: status; text: string }>> = {
  auth: { code: status.UNAUTHENTICATED, text: 'The session is expired or invalid' },
  unavailable: { code: status.UNAVAILABLE, text: 'RST_STREAM closed stream' },
  too_many_clients: { code: status.RESOURCE_EXHAUSTED, text: 'Too many concurrent subscribers' },
  delivery_limit: {
    code: status.RESOURCE_EXHAUSTED,
    text: 'You have exceeded the event delivery limit for your org.',
  },
  replay_id: { code: status.INVALID_ARGUMENT, text: 'The Replay ID validation failed' },
  topic: { code: status.NOT_FOUND, text: 'The topic does not exist or you may not read it' },
  request: { code: status.INVALID_ARGUMENT, text: 'The request is invalid' },
};

export function rpcError(error: ErrorName, rpc_id: string): RpcError {
  const { code, text } = STATUS[error];
  const metadata = new Metadata();
  metadata.set('error-code', ERROR_CODES[error]);
  metadata.set('rpc-id', rpc_id);
  return { code, details: `${text} rpcId: ${rpc_id}`, metadata };
}
