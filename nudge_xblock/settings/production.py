"""The same again after the operator's configuration file is read: the event backend follows its values."""

from __future__ import annotations

from .common import plugin_settings

__all__ = ["plugin_settings"]
