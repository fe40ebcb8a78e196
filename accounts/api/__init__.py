"""What all operations over REST share, and those of invitations."""
