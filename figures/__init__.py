"""Figures: how sure a share or a mean is (`intervals`), and how it is worded (`words`).

Below everything else, and without Django, so that pages, commands, dataset cards and training
recipes say the same of the same numbers.
"""
