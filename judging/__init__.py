"""The AI judge.

asking/    how it asks: prompts, questions, settings, and the arithmetic of its answers
runs/      runs: launched, estimated, done, certified, and turned into labels
measures/  what is measured of it: bias, calibration, attacks, the report and its marks
trials/    a draft constitution before it is published: tried on a pair, its impact measured
budget/    where human labels are worth most: triage, the planner, win rates
"""
