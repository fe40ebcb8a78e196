"""What happens to texts on their way in: redacted, masked, grouped with their near-duplicates."""
