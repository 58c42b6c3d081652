"""The names of regions for people; which country is in which, `predictor.regions` knows."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from predictor.regions import region

__all__ = ["LABELS", "region"]

LABELS: Mapping[str, Promise] = {
    "africa": _("Africa"),
    "americas_north": _("Northern America"),
    "americas_south": _("Latin America and the Caribbean"),
    "asia_east": _("Eastern and South-eastern Asia"),
    "asia_south": _("Central and Southern Asia"),
    "asia_west": _("Western Asia"),
    "europe": _("Europe"),
    "oceania": _("Oceania"),
}
