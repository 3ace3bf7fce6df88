"""Every error Penchant raises on purpose, as one tree.

PenchantError                      exit code 1
├── InputError                     exit code 2: what was handed in is wrong
│   ├── ReadError                      a file, folder or database cannot be read
│   ├── ColumnError                    a column is missing, or holds the wrong type
│   ├── ConfigError                    a setting or an option has no meaning
│   └── UnknownIdError                 an id that the community does not hold
├── WorkspaceError                 exit code 3: the workspace cannot do this now
│   ├── WorkspaceBusyError             another build holds it
│   ├── NotBuiltError                  the answer needs a build that is not there
│   ├── StorageError                   disk full, no permission, database out of reach
│   └── ArtifactError                  a saved model is damaged, or of another format
├── ModelError                     exit code 4: a model cannot do this
│   ├── NotFittedError                 asked before `fit` or `load`
│   ├── WeightsError                   language-model weights cannot be found or trusted
│   ├── TrainingError                  training cannot start or go on
│   └── TooLittleDataError             an answer would be a guess
└── MissingExtraError              exit code 5: an optional dependency is not installed

A message says what was found, what was wanted, and what to do about it.
"""


class PenchantError(Exception):
    """The root of the tree: `except PenchantError` catches all that Penchant raises on purpose."""

    exit_code = 1


class InputError(PenchantError):
    """What the user handed in is wrong: a file, a column, an option, an id."""

    exit_code = 2


class ReadError(InputError):
    """A file, folder or database cannot be read as what it claims to be."""


class ColumnError(InputError):
    """A column is missing, or its type cannot be understood."""


class ConfigError(InputError):
    """A setting, an option or a configuration file has no meaning."""


class UnknownIdError(InputError):
    """A member, item or other id that the community does not hold."""


class WorkspaceError(PenchantError):
    """The workspace cannot do this now."""

    exit_code = 3


class WorkspaceBusyError(WorkspaceError):
    """Another process is building in this workspace."""


class NotBuiltError(WorkspaceError):
    """The answer needs a build, or a stage of one, that is not there."""


class StorageError(WorkspaceError):
    """Bytes cannot be written or read: disk full, no permission, database out of reach."""


class ArtifactError(WorkspaceError):
    """A saved model is damaged, incomplete, or of another kind or format than asked for."""


class ModelError(PenchantError):
    """A model cannot do what it was asked."""

    exit_code = 4


class NotFittedError(ModelError):
    """The model was asked for an answer before `fit` or `load`."""


class WeightsError(ModelError):
    """Weights of a language model cannot be found, read or trusted."""


class TrainingError(ModelError):
    """Training cannot start, or cannot go on."""


class TooLittleDataError(ModelError):
    """There is too little data to fit or to judge; an answer would be a guess."""


class MissingExtraError(PenchantError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    exit_code = 5

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package {package}, which is not installed: pip install 'penchant[{extra}]'")
