import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InvalidInputError } from '../../platform/errors.ts';
import type { Page, SearchQuery } from './session-store.ts';

/** Where a page of a list ended; `start` null: at a session without a start. */
export interface ListPlace {
  start: number | null;
  key: string;
}

/** Longer ones were not made here. */
const MAX_CURSOR = 500;
const MAX_OFFSET = 10_000_000;
const MAX_LIMIT = 1_000;

const list = z.tuple([z.literal('list'), z.int().nullable(), z.string().max(200)]);
const search = z.tuple([z.literal('search'), z.int().min(1).max(MAX_OFFSET), z.string()]);

/** How many a page shows. */
export function limitOf({ limit }: Page): number {
  return Math.min(MAX_LIMIT, Math.max(1, Math.trunc(limit)));
}

export function listCursor({ start, key }: ListPlace): string {
  return encode(['list', start, key]);
}

/** @throws InvalidInputError `sessions.cursor` */
export function parseListCursor(cursor: string): ListPlace {
  const [, start, key] = decode(list, cursor);
  return { start, key };
}

/** The results of a search that were shown. The cursor fits no other search. */
export function searchCursor(shown: number, query: SearchQuery): string {
  return encode(['search', shown, digestOf(query)]);
}

/** How many results were shown. @throws InvalidInputError `sessions.cursor` */
export function parseSearchCursor(cursor: string, query: SearchQuery): number {
  const [, shown, digest] = decode(search, cursor);
  if (digest !== digestOf(query)) throw badCursor();
  return shown;
}

function digestOf(query: SearchQuery): string {
  const fields = Object.entries(query).filter(([, value]) => value !== undefined);
  const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 12);
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode<T>(shape: z.ZodType<T>, cursor: string): T {
  if (cursor.length > MAX_CURSOR) throw badCursor();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (error) {
    throw badCursor(error);
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw badCursor();
  return parsed.data;
}

function badCursor(cause?: unknown): InvalidInputError {
  return new InvalidInputError('sessions.cursor', 'The cursor is not one that this list gave', {
    field: 'cursor',
    hint: 'Take `next` of the page before unchanged, with the same filters, or begin without a cursor.',
    cause,
  });
}
