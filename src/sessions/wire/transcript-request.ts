import type { SourceGone, TranscriptPut } from '../store/transcript.ts';
import { goneBodyOf, putBodyOf } from './put-body.ts';

/** What a machine asks of a team's server about one conversation. */
export interface TranscriptRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the server's address, with its query. */
  path: string;
  /** JSON text, as it is before it is compressed. */
  body?: string;
}

export function putRequest(team_id: string, put: TranscriptPut): TranscriptRequest {
  return { method: 'PUT', path: pathOf(put.key), body: putBodyOf(team_id, put) };
}

export function goneRequest(team_id: string, gone: SourceGone): TranscriptRequest {
  return { method: 'POST', path: `${pathOf(gone.key)}/gone`, body: goneBodyOf(team_id, gone) };
}

export function stateRequest(team_id: string, key: string): TranscriptRequest {
  return { method: 'GET', path: `${pathOf(key)}?team_id=${encodeURIComponent(team_id)}` };
}

export function removeRequest(team_id: string, key: string, reason: 'unshared' | 'erased'): TranscriptRequest {
  return { method: 'DELETE', path: `${pathOf(key)}?team_id=${encodeURIComponent(team_id)}&reason=${reason}` };
}

function pathOf(key: string): string {
  return `/v1/transcripts/${encodeURIComponent(key)}`;
}
