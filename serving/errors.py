"""Errors of the serving package.

ServingError
├── ServerNameTakenError  a server of that name is running already
├── UnknownServerError    there is no server of that name
├── UnknownModelError     the project has no model version of that name
└── SamplingError         a sampling run cannot be launched
    ├── BadSamplingError   settings that cannot be, or no prompt to answer
    └── CannotSampleError  the engine cannot open one of the models here
"""


class ServingError(Exception):
    pass


class ServerNameTakenError(ServingError):
    pass


class UnknownServerError(ServingError):
    pass


class UnknownModelError(ServingError):
    pass


class SamplingError(ServingError):
    pass


class BadSamplingError(SamplingError):
    pass


class CannotSampleError(SamplingError):
    pass
