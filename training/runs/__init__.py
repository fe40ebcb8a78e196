"""Training runs: launched, followed, recorded, and their pages."""
