"""Long work as rows with a state, a lease and a heartbeat. A message is only a hint."""
