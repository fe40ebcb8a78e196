"""What accounts tell the layers above, within the transaction that changes a membership.

Receivers get `membership`. An error of theirs undoes the change.
"""

from django.dispatch import Signal

member_joined = Signal()
"""A user has a role now: a new member, or one whose role was changed."""

member_leaving = Signal()
"""A membership is about to be taken away."""
