"""Errors of the corpus package.

CorpusError
├── ModelNotAllowedError     a folder or hub name that cannot be registered from the browser
└── ImportFileError          a file that cannot be imported at all; nothing was stored
    ├── UnknownFormatError   no importer of that name, or none recognises the file
    └── EmptyFileError       there is no line in it
"""


class CorpusError(Exception):
    pass


class ImportFileError(CorpusError):
    pass


class UnknownFormatError(ImportFileError):
    pass


class EmptyFileError(ImportFileError):
    pass


class ModelNotAllowedError(CorpusError):
    pass
