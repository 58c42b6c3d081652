"""Countries in groups large enough to be shown: the United Nations' regions (M49), by ISO 3166-1 code."""

from __future__ import annotations

NAMES = {
    "africa": "Africa",
    "americas_north": "Northern America",
    "americas_south": "Latin America and the Caribbean",
    "asia_east": "Eastern and South-eastern Asia",
    "asia_south": "Central and Southern Asia",
    "asia_west": "Western Asia",
    "europe": "Europe",
    "oceania": "Oceania",
}

_MEMBERS = {
    "africa": (
        "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA "
        "MG ML MR MU "
        "MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW"
    ),
    "americas_north": "BM CA GL PM US",
    "americas_south": (
        "AG AI AR AW BB BL BO BQ BR BS BV BZ CL CO CR CU CW DM DO EC FK GD GF GP GS GT GY HN HT JM "
        "KN KY LC MF MQ "
        "MS MX NI PA PE PR PY SR SV SX TC TT UY VC VE VG VI"
    ),
    "asia_east": "BN CN HK ID JP KH KP KR LA MM MN MO MY PH SG TH TL TW VN",
    "asia_south": "AF BD BT IN IR KG KZ LK MV NP PK TJ TM UZ",
    "asia_west": "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE",
    "europe": (
        "AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT "
        "LU LV MC MD ME "
        "MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"
    ),
    "oceania": "AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
}

_REGION = {country: region for region, countries in _MEMBERS.items() for country in countries.split()}


def region(country: str) -> str:
    """The region of a two-letter country code, in any case; "" for one that is not known."""
    return _REGION.get(country.upper(), "")
