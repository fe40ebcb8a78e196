"""Training runs, evaluations and the model registry; recipes beneath know no Django."""
