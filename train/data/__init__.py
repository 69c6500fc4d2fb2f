"""From files on disk to the rows of a batch: by number, seeded, with flat memory."""
