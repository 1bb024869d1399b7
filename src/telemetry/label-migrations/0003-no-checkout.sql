-- Folders of checkouts stand sealed in the journal of conversations.
DROP TABLE checkout;
