"""Errors of the serving package.

ServingError
├── ServerNameTakenError  a server of that name is running already
└── UnknownServerError    there is no server of that name
"""


class ServingError(Exception):
    pass


class ServerNameTakenError(ServingError):
    pass


class UnknownServerError(ServingError):
    pass


class UnknownModelError(ServingError):
    """The project has no model version of that name."""
