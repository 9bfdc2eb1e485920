"""What may be wrong with a model or with a submission."""


class EncoderError(ValueError):
    """A vision model cannot be used: its files, the feature asked of it, or the device it should run on."""


class ServingError(ValueError):
    """A submission's files cannot be read, or do not belong together."""
