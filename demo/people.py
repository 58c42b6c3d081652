"""Who takes the demo course: a few accounts to switch between, with the profiles a platform would hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.contrib.auth.models import User

from nudge_xblock.addressees import Addressee

FIRST_SIMULATED_ID = 1000


@dataclass(frozen=True)
class Person:
    """One account of the demo."""

    username: str
    first_name: str
    last_name: str
    gender: str
    birth_year: int
    country: str
    education: str
    language: str
    staff: bool = False


PEOPLE = (
    Person("amara", "Amara", "Okafor", "f", 1997, "NG", "b", "en"),
    Person("jonas", "Jonas", "Lindqvist", "m", 1985, "SE", "m", "en"),
    Person("lucia", "Lucía", "Herrera", "f", 1991, "MX", "hs", "es-419"),
    Person("yusuf", "Yusuf", "Haddad", "m", 2001, "EG", "b", "ar"),
    Person("grace", "Grace", "Whitfield", "f", 1978, "GB", "p", "en", staff=True),
)

# Drawn in turn; as many of each that no two learners of a run share both.
FIRST_NAMES = (
    "Alex", "Ari", "Bao", "Chidi", "Dani", "Eden", "Femi", "Hikari", "Ira", "Jamie", "Jun", "Kim", "Luca",
    "Maxime", "Nilu", "Noor", "Ola", "Ramin", "Robin", "Sasha", "Sol", "Tien", "Yael",
)  # fmt: skip
LAST_NAMES = (
    "Achieng", "Barros", "Cohen", "Delgado", "Eriksen", "Farah", "Greene", "Hassan", "Ivanova", "Joshi",
    "Kowalski", "Lim", "Moreau", "Nakamura", "Ortega", "Pham", "Quispe", "Rossi", "Suryadi", "Tan", "Yilmaz",
)  # fmt: skip


def create() -> None:
    """Make the accounts; a second call changes nothing."""
    for person in PEOPLE:
        User.objects.update_or_create(
            username=person.username,
            defaults={
                "first_name": person.first_name,
                "last_name": person.last_name,
                "email": f"{person.username}@example.com",
                "is_staff": person.staff,
                "is_superuser": person.staff,
            },
        )


def by_name(username: str) -> Person | None:
    return next((person for person in PEOPLE if person.username == username), None)


def invented(user_id: int, language: str) -> Addressee:
    """A simulated learner as mail needs to know them; nobody reads what is sent to example.org (RFC 2606)."""
    first, last = FIRST_NAMES[user_id % len(FIRST_NAMES)], LAST_NAMES[user_id % len(LAST_NAMES)]
    return Addressee(f"learner{user_id}@example.org", True, first, f"{first} {last}", language)


def anonymous_id(user: User) -> str:
    return hashlib.sha256(f"demo anonymous {user.id}".encode()).hexdigest()[:32]


def by_anonymous_id(uid: str | None) -> User | None:
    return next((user for user in User.objects.all() if anonymous_id(user) == uid), None)
