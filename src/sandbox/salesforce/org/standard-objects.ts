/** The objects that every organisation of the sandbox begins with. */
import {
  address,
  AUDIT_FIELDS,
  checkbox,
  currency,
  field,
  formula,
  longText,
  number,
  ownerField,
  picklist,
  reference,
  text,
} from './fields.ts';
import { defineCustomObject, defineObject, type ObjectDefinition } from './object-definition.ts';

const INDUSTRIES = ['Agriculture', 'Apparel', 'Banking', 'Biotechnology', 'Construction', 'Energy', 'Technology'];
const STAGES = ['Prospecting', 'Qualification', 'Negotiation/Review', 'Closed Won', 'Closed Lost'];

const user = (): ObjectDefinition =>
  defineObject({
    name: 'User',
    key_prefix: '005',
    fields: [
      text('Username', 80, { nillable: false, id_lookup: true, unique: true }),
      text('LastName', 80, { nillable: false }),
      text('FirstName', 40),
      formula('Name', 'string', (row) => fullName(row['FirstName'], row['LastName'])),
      field('Email', 'email', { length: 128, nillable: false }),
      checkbox('IsActive', { default_value: true }),
    ],
  });

const fullName = (first: unknown, last: unknown): string =>
  [first, last].filter((part) => typeof part === 'string').join(' ');

/** In the order of the documented change event: Industry is its field 11, Description 16, LastModifiedDate 22. */
const account = (): ObjectDefinition =>
  defineObject({
    name: 'Account',
    key_prefix: '001',
    fields: [
      text('Name', 255, { nillable: false }),
      picklist('Type', ['Prospect', 'Customer - Direct', 'Customer - Channel', 'Other']),
      reference('ParentId', 'Account'),
      ...address('Billing'),
      ...address('Shipping'),
      field('Phone', 'phone', { length: 40 }),
      field('Fax', 'phone', { length: 40 }),
      text('AccountNumber', 40),
      field('Website', 'url', { length: 255 }),
      text('Sic', 20),
      picklist('Industry', INDUSTRIES),
      currency('AnnualRevenue', 18, 0),
      field('NumberOfEmployees', 'int', { precision: 8 }),
      picklist('Ownership', ['Public', 'Private', 'Subsidiary', 'Other']),
      text('TickerSymbol', 20),
      longText('Description', 32_000),
      picklist('Rating', ['Hot', 'Warm', 'Cold']),
      text('Site', 80),
      ownerField(),
      ...AUDIT_FIELDS,
      text('External_Id__c', 64, { external_id: true, unique: true }),
      text('Legacy_Id__c', 64, { external_id: true }),
      text('Code__c', 32, { external_id: true, unique: true, case_sensitive: true }),
      picklist('Tier__c', ['Gold', 'Silver', 'Bronze'], { restricted: true }),
      field('Renewal_Date__c', 'date'),
      checkbox('Active__c'),
    ],
  });

const contact = (): ObjectDefinition =>
  defineObject({
    name: 'Contact',
    key_prefix: '003',
    fields: [
      reference('AccountId', 'Account', { on_parent_delete: 'cascade' }),
      formula('Name', 'string', (row) => fullName(row['FirstName'], row['LastName']), { length: 121 }),
      text('LastName', 80, { nillable: false, compound_field: 'Name' }),
      text('FirstName', 40, { compound_field: 'Name' }),
      ...address('Mailing'),
      field('Phone', 'phone', { length: 40 }),
      field('MobilePhone', 'phone', { length: 40 }),
      field('Email', 'email', { length: 80, id_lookup: true }),
      text('Title', 128),
      text('Department', 80),
      field('Birthdate', 'date'),
      longText('Description', 32_000),
      ownerField(),
      ...AUDIT_FIELDS,
      text('External_Id__c', 64, { external_id: true, unique: true }),
    ],
  });

const opportunity = (): ObjectDefinition =>
  defineObject({
    name: 'Opportunity',
    key_prefix: '006',
    fields: [
      reference('AccountId', 'Account', { on_parent_delete: 'cascade' }),
      text('Name', 120, { nillable: false }),
      longText('Description', 32_000),
      picklist('StageName', STAGES, { nillable: false }),
      currency('Amount', 18, 2),
      field('Probability', 'percent', { precision: 3, scale: 0 }),
      field('CloseDate', 'date', { nillable: false }),
      formula('IsClosed', 'boolean', (row) => String(row['StageName']).startsWith('Closed')),
      ownerField(),
      ...AUDIT_FIELDS,
      text('External_Id__c', 64, { external_id: true, unique: true }),
    ],
  });

const invoice = (): ObjectDefinition =>
  defineCustomObject({
    name: 'Invoice__c',
    key_prefix: 'a00',
    fields: [
      text('External_Id__c', 64, { external_id: true, unique: true }),
      number('Number__c', 18, 0, { external_id: true, unique: true }),
      // Master and detail: it goes with its account and never to another.
      reference('Account__c', 'Account', { nillable: false, updateable: false, on_parent_delete: 'cascade' }),
      currency('Amount__c', 16, 2),
      number('Tax_Rate__c', 5, 3),
      formula(
        'Total__c',
        'currency',
        (row) => withTax(Number(row['Amount__c'] ?? 0), Number(row['Tax_Rate__c'] ?? 0)),
        {
          precision: 18,
          scale: 2,
        },
      ),
      field('Issued_At__c', 'datetime'),
      field('Due_Date__c', 'date'),
      picklist('Status__c', ['Draft', 'Sent', 'Paid'], { restricted: true, default_value: 'Draft' }),
      checkbox('Disputed__c'),
      longText('Notes__c', 10_000),
    ],
  });

const withTax = (amount: number, rate: number): number => Math.round(amount * (100 + rate)) / 100;

/** User, Account, Contact, Opportunity and Invoice__c. */
export function standardObjects(): ObjectDefinition[] {
  return [user(), account(), contact(), opportunity(), invoice()];
}
