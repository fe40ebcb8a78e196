"""Everything a request may change in accounts, one file a noun."""

from accounts.services.members import add_member, adopt, create_project, remove_member

__all__ = ["add_member", "adopt", "create_project", "remove_member"]
