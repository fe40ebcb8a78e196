"""Raters and what they say.

queue/      which pair goes to whom, and how it is shown
quality/    whether a rater may label: windows of gold, certification, figures
agreement/  how far raters agree: formulas, counting, report, words, charts
consensus/  what all raters say together of a pair
services/   everything that changes rows, one file a noun (labels, gold, adjudication, …)
"""
