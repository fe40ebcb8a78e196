"""Where human labels are worth most: triage, the planner, win rates."""
