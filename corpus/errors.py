"""Errors of the corpus package.

CorpusError
├── DependedOnError          an import that cannot be taken back, since something was built on it
├── PairSetError             pairs that cannot be picked together
├── ModelNotAllowedError     a folder or hub name that cannot be registered from the browser
└── ImportFileError          a file that cannot be imported at all; nothing was stored
    ├── UnknownFormatError   no importer of that name, or none recognises the file
    ├── AmbiguousFormatError  several importers recognise the file
    ├── MappingError         a column mapping that cannot be used
    ├── UploadError          a part that does not join on, or a file that is not here whole
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


class AmbiguousFormatError(ImportFileError):
    pass


class MappingError(ImportFileError):
    pass


class DependedOnError(CorpusError):
    pass


class UploadError(ImportFileError):
    pass


class PairSetError(CorpusError):
    pass
