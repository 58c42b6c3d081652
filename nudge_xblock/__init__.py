"""In-course help for Open edX, gated by an LSTM over the learner's event stream."""

__version__ = "0.1.0"
