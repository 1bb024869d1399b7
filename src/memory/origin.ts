/**
 * Who numbers operations. A *member* is one installation; an *origin* is a member in one incarnation and has one dense
 * sequence of operations. A restored or cloned member takes a new incarnation, so that no sequence is ever continued by
 * two (design §5 rule 11).
 */
import { InvalidInputError } from '../platform/errors.ts';

/** A member's id: letters and digits, made from its public key by whoever pairs members. */
export type MemberId = string;

/**
 * `member.incarnation`. The incarnation is opaque: it should hold chance beside a number, because two clones of one
 * member that both count one up would otherwise share an origin.
 */
export type OriginId = string;

/**
 * `origin:sequence`. The id of an operation is its place, so no index leads from one to the other, and how far it got is
 * read from version vectors instead of being written for every operation.
 */
export type OperationId = string;

export interface OperationPlace {
  origin: OriginId;
  sequence: number;
}

/** Last sequence known of each origin. One that is missing stands for 0. */
export type VersionVector = Readonly<Record<OriginId, number>>;

const MEMBER = /^[a-z0-9]{1,48}$/;
const ORIGIN = /^[a-z0-9]{1,48}\.[a-z0-9]{1,16}$/;
const OPERATION = /^([a-z0-9]{1,48}\.[a-z0-9]{1,16}):([1-9]\d{0,11})$/;

/** @throws InvalidInputError `memory.origin` */
export function originOf(member: MemberId, incarnation: string): OriginId {
  const origin = `${member}.${incarnation}`;
  if (!MEMBER.test(member) || !ORIGIN.test(origin))
    throw new InvalidInputError('memory.origin', 'A member and its incarnation are lower-case letters and digits');
  return origin;
}

export function isOrigin(text: string): text is OriginId {
  return ORIGIN.test(text);
}

export function memberOf(origin: OriginId): MemberId {
  return origin.slice(0, origin.indexOf('.'));
}

export function operationId(origin: OriginId, sequence: number): OperationId {
  return `${origin}:${sequence}`;
}

/** Null when the text is not the id of an operation. */
export function placeOf(id: string): OperationPlace | null {
  const match = OPERATION.exec(id);
  return match ? { origin: match[1] as OriginId, sequence: Number(match[2]) } : null;
}

export function covers(vector: VersionVector, place: OperationPlace): boolean {
  return (vector[place.origin] ?? 0) >= place.sequence;
}

/** The smallest vector that covers both. */
export function joinVectors(a: VersionVector, b: VersionVector): VersionVector {
  const joined: Record<OriginId, number> = { ...a };
  for (const [origin, sequence] of Object.entries(b)) joined[origin] = Math.max(joined[origin] ?? 0, sequence);
  return joined;
}

/** What all of them have; empty for no vectors. */
export function meetVectors(vectors: readonly VersionVector[]): VersionVector {
  const [first, ...rest] = vectors;
  const met: Record<OriginId, number> = {};
  for (const [origin, sequence] of Object.entries(first ?? {})) {
    const least = Math.min(sequence, ...rest.map((vector) => vector[origin] ?? 0));
    if (least > 0) met[origin] = least;
  }
  return met;
}

/** Whether everything in `part` is also in `whole`. */
export function isWithin(part: VersionVector, whole: VersionVector): boolean {
  return Object.entries(part).every(([origin, sequence]) => (whole[origin] ?? 0) >= sequence);
}
