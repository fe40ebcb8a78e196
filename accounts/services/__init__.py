"""Everything a request may change in accounts, one file a noun."""

from accounts.services.members import (
    add_member,
    admit_member,
    adopt,
    change_role,
    create_project,
    describe_project,
    remove_member,
)

__all__ = [
    "add_member",
    "admit_member",
    "adopt",
    "change_role",
    "create_project",
    "describe_project",
    "remove_member",
]
