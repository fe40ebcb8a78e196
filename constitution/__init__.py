"""Constitutions: principles in versions that never change once published."""
