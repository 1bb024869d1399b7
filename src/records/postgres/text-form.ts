/**
 * Values leave PostgreSQL as text, and what text a value has depends on settings that every role and database may have
 * otherwise. With these, one value has one text: in the triggers, in reads and in tests alike.
 */
const SETTINGS = [
  ['DateStyle', 'ISO, YMD'],
  ['TimeZone', 'UTC'],
  ['IntervalStyle', 'postgres'],
  ['extra_float_digits', '1'],
  ['bytea_output', 'hex'],
] as const;

/** For the beginning of a transaction that reads values as text. */
export const TEXT_FORM_OF_TRANSACTION = SETTINGS.map(([name, value]) => `SET LOCAL ${name} TO '${value}'`).join('; ');

/** Clauses of a function that writes values as text, whoever calls it. */
export const TEXT_FORM_OF_FUNCTION = SETTINGS.map(([name, value]) => `SET ${name} TO '${value}'`);

/** The same as the catalogue keeps it (`pg_proc.proconfig`). */
export const TEXT_FORM_IN_CATALOGUE = SETTINGS.map(([name, value]) => `${name}=${value}`);
