"""Errors of the inference package.

InferenceError
├── BadRequestError        permanent: a request no retry can save (empty, no options)
│   └── PromptTooLongError it leaves too little of the model's context for an answer
├── ModelLoadError         permanent: folder missing, pickle weights, a model a server has not
├── AccessRefusedError     permanent: a server does not let us in
├── MissingFeatureError    permanent: a server lacks what the operation needs
├── RequestFailedError     permanent: the server never gave this request a usable answer
└── EngineUnavailableError transient: the engine did not answer this time
"""

from __future__ import annotations


class InferenceError(Exception):
    """Base of all; `permanent` alone decides whether a retry makes sense."""

    permanent: bool = True


class BadRequestError(InferenceError):
    permanent = True


class PromptTooLongError(BadRequestError):
    pass


class ModelLoadError(InferenceError):
    permanent = True


class AccessRefusedError(InferenceError):
    permanent = True


class MissingFeatureError(InferenceError):
    permanent = True


class RequestFailedError(InferenceError):
    permanent = True


class EngineUnavailableError(InferenceError):
    permanent = False
