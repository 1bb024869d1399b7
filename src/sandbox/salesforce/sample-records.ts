import type { Org } from './org/org.ts';

/** A few invented records, so that a fresh sandbox has something to look at. No change events: they were always there. */
export function addSampleRecords(org: Org): void {
  const accounts = org.seed('Account', [
    {
      Name: 'Northwind Bakery',
      External_Id__c: 'A-1',
      Phone: '+49 30 5550101',
      Industry: 'Agriculture',
      Tier__c: 'Gold',
    },
    {
      Name: 'Harbour Textiles',
      External_Id__c: 'A-2',
      Phone: '+31 20 5550102',
      Industry: 'Apparel',
      Tier__c: 'Silver',
    },
    { Name: 'Quiet Fjord Energy', External_Id__c: 'A-3', Industry: 'Energy', BillingCity: 'Bergen' },
  ]);
  org.seed('Contact', [
    {
      FirstName: 'Ines',
      LastName: 'Okafor',
      Email: 'ines@northwind.example',
      External_Id__c: 'C-1',
      AccountId: accounts[0],
    },
    {
      FirstName: 'Bram',
      LastName: 'de Wit',
      Email: 'bram@harbour.example',
      External_Id__c: 'C-2',
      AccountId: accounts[1],
    },
  ]);
  org.seed('Invoice__c', [
    {
      Name: 'I-1',
      External_Id__c: 'I-1',
      Account__c: accounts[0],
      Amount__c: 1200.5,
      Tax_Rate__c: 19,
      Status__c: 'Sent',
    },
  ]);
}
