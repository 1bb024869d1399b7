/**
 * The scalar types of the wire (telemetry specification §2.4), as zod schemas from which validation, TypeScript types
 * and the OpenAPI document all come.
 */
import { z } from 'zod';

/** Longest text of a field that names something; payloads have no such limit but the body's. */
export const MAX_TEXT = 1024;

/** Most hashes of one span's paths or one workspace's facts. */
export const MAX_HASHES = 10_000;

export const text = z.string().max(MAX_TEXT);

/** A name or id; `null` and absent mean the same: not known. */
export const optionalText = text.nullish();

/** Unsigned 64-bit on the original's wire; here what a JavaScript number holds exactly (§2.4). */
export const safeUnsigned = z.int().min(0);

/** Signed 64-bit on the original's wire: micro-dollars may be a correction. */
export const optionalSafeInteger = z.int().nullish();

export const optionalSafeUnsigned = safeUnsigned.nullish();

export const optionalU32 = z.int().min(0).max(4_294_967_295).nullish();

export const optionalBoolean = z.boolean().nullish();

/** Any JSON value, but it must be there: the original's readers refuse an event without `payload`. */
export const requiredJson = z.unknown().refine((value) => value !== undefined, 'required');
