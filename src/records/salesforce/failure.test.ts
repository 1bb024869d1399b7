import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FailureClass, classify, failure, readErrors, readRowError } from './failure.ts';

/** The table of the records specification §12.8, by hand: the product's own table must say the same. */
const TABLE: [FailureClass, string][] = [
  ['retry', 'UNABLE_TO_LOCK_ROW SERVER_UNAVAILABLE QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG UNKNOWN_EXCEPTION'],
  ['throttle', 'REQUEST_LIMIT_EXCEEDED STORAGE_LIMIT_EXCEEDED'],
  ['auth', 'INVALID_SESSION_ID INVALID_AUTH_HEADER invalid_grant invalid_client API_DISABLED_FOR_ORG'],
  ['identity', 'MULTIPLE_CHOICES DUPLICATE_EXTERNAL_ID DUPLICATE_VALUE ENTITY_IS_DELETED'],
  ['order', 'INVALID_CROSS_REFERENCE_KEY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY'],
  ['rolled_back', 'ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED'],
  [
    'permanent',
    `REQUIRED_FIELD_MISSING FIELD_CUSTOM_VALIDATION_EXCEPTION STRING_TOO_LONG INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE
     INVALID_TYPE_ON_FIELD_IN_RECORD INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST NUMBER_OUTSIDE_VALID_RANGE
     INVALID_EMAIL_ADDRESS MALFORMED_ID JSON_PARSER_ERROR DUPLICATES_DETECTED FIELD_INTEGRITY_EXCEPTION
     FIELD_FILTER_VALIDATION_EXCEPTION DELETE_FAILED DEPENDENCY_EXISTS INSUFFICIENT_ACCESS_OR_READONLY
     CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY NOT_FOUND MALFORMED_QUERY INVALID_TYPE`,
  ],
];
const codes = TABLE.flatMap(([name, text]) => text.split(/\s+/).map((code) => [code, name] as const));

const error = (code: string, message = 'x', fields: string[] = []) => ({ code, message, fields });

describe('the class of a failure', () => {
  test.each(codes)('%s is %s, whatever the status', (code, name) => {
    for (const status of [200, 400, 403, 500]) expect(classify(status, [error(code)]).class).toBe(name);
  });

  test.each([
    [300, 'identity'],
    [302, 'auth'],
    [400, 'permanent'],
    [401, 'auth'],
    [403, 'permanent'],
    [404, 'permanent'],
    [408, 'retry'],
    [409, 'retry'],
    [412, 'identity'],
    [414, 'permanent'],
    [420, 'retry'],
    [429, 'throttle'],
    [500, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
  ] as const)('an unknown code goes by its status: %i is %s', (status, name) => {
    expect(classify(status, [error('SOMETHING_NEW')])).toMatchObject({ class: name, code: 'SOMETHING_NEW' });
    expect(classify(status, [])).toMatchObject({ class: name, code: `HTTP_${status}` });
  });

  test('a trigger that met a governor limit or a lock is not the fault of the record', () => {
    const told = (message: string) => classify(200, [error('CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', message)]).class;
    expect(told('T: System.LimitException: Apex CPU time limit exceeded')).toBe('throttle');
    expect(told('T: execution of BeforeUpdate caused by: Too many SOQL queries: 101')).toBe('throttle');
    expect(told('T: System.DmlException: Update failed. UNABLE_TO_LOCK_ROW, unable to obtain')).toBe('retry');
    expect(told('T: your phone is wrong')).toBe('permanent');
  });

  test('a parent that its external id does not find is a question of order, and names the field', () => {
    const message = 'Foreign key external ID: 123 not found for field Ext__c in entity Parent__c';
    const told = classify(400, [error('INVALID_FIELD', message)]);
    expect(told).toMatchObject({ class: 'order', fields: ['Ext__c'] });
    expect(told.message).not.toContain('123');
  });

  test('a throttled org is left alone for as long as it says, else for a minute', () => {
    expect(classify(403, [error('REQUEST_LIMIT_EXCEEDED')]).wait_ms).toBe(60_000);
    expect(classify(503, [error('SERVER_UNAVAILABLE')], 7_000).wait_ms).toBe(7_000);
  });
});

describe('what a message tells', () => {
  test('is never what the vendor said, whose words hold values of records', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9@!. ]{3,30}$/), fc.constantFrom(...codes), (value, [code]) => {
        const message = `duplicate value found: F duplicates value on record with id: ${value}`;
        const told = classify(400, [error(code, message, ['Name', `${value} is wrong`])]);
        expect(told.fields).toEqual(['Name']);
        expect(JSON.stringify({ ...told, wait_ms: 0 })).not.toContain(value);
      }),
    );
  });

  test('names the code and the fields', () => {
    expect(classify(400, [error('STRING_TOO_LONG', '…', ['Name'])]).message).toBe(
      'Salesforce refused it (STRING_TOO_LONG, fields Name)',
    );
    expect(failure('unknown', 'reset').message).toContain('may have been carried out');
  });

  test('a code that is no code is replaced by the status', () => {
    expect(classify(400, [error('mary@example.com said no')])).toMatchObject({ code: 'HTTP_400' });
  });
});

describe('reading errors', () => {
  test('takes each of the three forms, and nothing of another', () => {
    expect(readErrors([{ errorCode: 'A_B', message: 'm', fields: ['F'] }])).toEqual([error('A_B', 'm', ['F'])]);
    expect(readErrors([{ statusCode: 'A_B', message: 'm', fields: [] }])).toEqual([error('A_B', 'm')]);
    expect(readErrors({ error: 'invalid_grant', error_description: 'm' })).toEqual([error('invalid_grant', 'm')]);
    expect(readErrors('<html>')).toEqual([]);
    expect(readErrors(null)).toEqual([]);
  });

  test.each([
    ['REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --', 'REQUIRED_FIELD_MISSING', ['Name']],
    ['DUPLICATE_VALUE:duplicate value found: F__c duplicates: x:--', 'DUPLICATE_VALUE', []],
    ['STRING_TOO_LONG:too long:Name,Phone --', 'STRING_TOO_LONG', ['Name', 'Phone']],
    ['nonsense', '', []],
  ])('a row of a bulk job: %s', (text, code, fields) => {
    const read = readRowError(text);
    expect(read.code).toBe(code);
    expect(classify(200, [read]).fields).toEqual(fields);
  });
});
