"""Long work as rows: a state, a lease and a heartbeat. The database is the truth, a message a hint."""
