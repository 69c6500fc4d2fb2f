"""Everything a user can put right raises one of these; anything else is our bug.

GemError                   one clear message: what, what was needed, what was found, what to do
+-- ECGReadError           a file that could not be read; `code` says which kind of fault
+-- RecordingError         a signal, rate or set of leads that cannot be a Recording
+-- ConfigError            a YAML file or an option that does not describe what it should
+-- NotReadable            a recording whose quality forbids an interpretation
+-- ModelError             a checkpoint, prompt or picture that does not fit the model
"""


class GemError(Exception):
    """A fault the user can put right. The command line prints it alone and exits with 2."""

    code = "error"


class ECGReadError(GemError):
    """A file that cannot be read as an ECG.

    path     the file as the user named it
    message  what was needed, what was found, what to do; unprintable characters of a hostile file become blanks
    code     a short word for programs, one of `CODES`
    """

    CODES = (
        "not_found",
        "not_a_file",
        "empty",
        "unknown_format",
        "unsupported",
        "malformed",
        "truncated",
        "unsafe",
        "too_large",
        "needs_rate",
        "needs_unit",
        "bad_rate",
        "bad_unit",
        "bad_leads",
        "no_signal",
    )

    def __init__(self, path: object, message: str, code: str) -> None:
        if code not in self.CODES:
            raise ValueError(f"{code!r} is not a code of ECGReadError")
        self.path = str(path)
        self.message = "".join(c if c.isprintable() else " " for c in message)
        super().__init__(f"{path}: {self.message}")
        self.code = code

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.path, self.message, self.code)


class RecordingError(GemError):
    """A signal, rate or set of leads that cannot be a Recording."""

    code = "bad_recording"


class ConfigError(GemError):
    """A YAML file or an option that does not describe what it should."""

    code = "bad_config"


class NotReadable(GemError):
    """A recording whose quality forbids an interpretation; the message says why."""

    code = "unusable"


class ModelError(GemError):
    """A checkpoint, prompt, picture or amount of memory that does not fit the model; the message says what to change."""

    code = "bad_model"
