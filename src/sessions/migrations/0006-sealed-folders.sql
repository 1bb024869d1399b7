-- Where a watched checkout is: its folder, sealed with the secret of the device, so that no path stands here (S3).
ALTER TABLE session_checkout ADD COLUMN folder BLOB;
