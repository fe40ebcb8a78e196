"""versions   constitutions, their versions and principles
changes    who changed what, when and why; what was said about it
revisions  critique–revise runs, their chains and every step of them
"""

from constitution.models.changes import Change, Comment
from constitution.models.revisions import Chain, Revision, RevisionRun
from constitution.models.versions import Constitution, ConstitutionVersion, Principle

__all__ = [
    "Chain",
    "Change",
    "Comment",
    "Constitution",
    "ConstitutionVersion",
    "Principle",
    "Revision",
    "RevisionRun",
]
