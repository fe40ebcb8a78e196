"""Files that go into a project: upload, mapping, dry run, report."""
