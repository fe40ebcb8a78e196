"""What the platform knows of inference: servers, replies kept, what it all cost."""
