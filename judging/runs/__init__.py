"""Judge runs: launched, estimated, done, certified, and turned into labels."""
