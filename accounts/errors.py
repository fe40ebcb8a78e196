"""Errors of accounts, and the base of all refusals.

`code` is what a program reads, the message what a person does.

RefusedError
├── NotARaterError             this user does not label in this project, or is suspended
├── MembershipError            a project or member that cannot be made or changed so
└── InvitationError            a link that lets nobody in (any more)
"""


class RefusedError(Exception):
    """A request that a service refuses; over REST it is answered with `status`."""

    code = "refused"
    status = 400


class NotARaterError(RefusedError):
    code = "not_a_rater"
    status = 403


class MembershipError(RefusedError):
    code = "membership_refused"
    status = 409


class InvitationError(RefusedError):
    code = "invitation_refused"
    status = 409
