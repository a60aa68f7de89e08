"""The torch worker: language models, log-probabilities and gradients for lifealign's torch engine.

It knows nothing of preferences, objectives or methods; the host decides all of that (see PROTOCOL.md).
"""

__version__ = "0.1.0"

PROTOCOL = 2
"""Raised with every change of what messages hold or mean."""
