"""How data comes in: uploads, dry runs, imports that can be resumed and taken back."""
