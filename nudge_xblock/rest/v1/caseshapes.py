"""The shapes of REST v1 of at-risk cases, as the description tells them."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

QUERY = [
    OpenApiParameter(name, str, description=words)
    for name, words in {
        "tier": "Any of high, moderate and marginal, with commas between.",
        "group": "Reason groups, or several for cases without a single one; with commas between.",
        "owner": "Any of adviser, assistant and team, with commas between.",
        "state": "open (usual), ended or all.",
        "assignee": "me, none, or the number of a member of staff.",
        "who": "A learner's pseudonym.",
        "order": "urgency (usual) or opened.",
        "page": "From 1 on.",
    }.items()
]
TABLE_QUERY = [each for each in QUERY if each.name != "page"]
COURSES = OpenApiParameter("course", str, many=True, description="Course keys: these alone.")


class PersonSerializer(serializers.Serializer):  # type: ignore[misc]
    """A member of staff."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text="The user name; empty once retired.")


class CaseSerializer(serializers.Serializer):  # type: ignore[misc]
    """A learner who needs somebody."""

    id = serializers.IntegerField()
    course = serializers.CharField()
    course_title = serializers.CharField()
    learner = serializers.CharField(help_text="The pseudonym.")
    tier = serializers.CharField()
    tier_words = serializers.CharField()
    chance = serializers.IntegerField(help_text="Percent, of not completing.")
    change = serializers.IntegerField(allow_null=True, help_text="Points within a week.")
    group = serializers.CharField(help_text="The reason; empty where no single one stands out.")
    group_words = serializers.CharField()
    sentence = serializers.CharField()
    owner = serializers.CharField()
    owner_words = serializers.CharField()
    intervention = serializers.CharField()
    assignee = PersonSerializer(allow_null=True)
    state = serializers.CharField()
    state_words = serializers.CharField()
    outcome = serializers.CharField()
    outcome_words = serializers.CharField()
    opened = serializers.DateTimeField()
    tier_since = serializers.DateTimeField()
    closed = serializers.DateTimeField(allow_null=True)
    seen = serializers.JSONField(help_text='Whole days since the learner was seen, "never", or null.')
    partial = serializers.BooleanField(help_text="The learner never came.")
    version = serializers.IntegerField(help_text="To be given with each change.")


class CountsSerializer(serializers.Serializer):  # type: ignore[misc]
    """Open cases, and who was assessed."""

    open = serializers.IntegerField()
    high = serializers.IntegerField()
    moderate = serializers.IntegerField()
    marginal = serializers.IntegerField()
    mine = serializers.IntegerField()
    unassigned = serializers.IntegerField()
    never_came = serializers.IntegerField()
    assessed = serializers.IntegerField()


class CasesSerializer(serializers.Serializer):  # type: ignore[misc]
    """A page of cases."""

    at = serializers.DateTimeField(allow_null=True, help_text="As of when learners were assessed.")
    model = serializers.CharField(help_text="The version of the risk model.")
    counts = CountsSerializer()
    cases = CaseSerializer(many=True)
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    total = serializers.IntegerField(help_text="The cases that are asked for, on all pages.")


class CourseSerializer(serializers.Serializer):  # type: ignore[misc]
    """A course run with cases."""

    course = serializers.CharField()
    title = serializers.CharField()
    open = serializers.IntegerField()
    high = serializers.IntegerField()


class EverywhereSerializer(CasesSerializer):
    """A page of the cases of several course runs."""

    courses = CourseSerializer(many=True)


class NumberSerializer(serializers.Serializer):  # type: ignore[misc]
    """One number behind a reason, beside that of a typical learner who completes."""

    factor = serializers.CharField()
    words = serializers.CharField()
    unit = serializers.CharField()
    value = serializers.FloatField()
    typical = serializers.FloatField()
    said = serializers.CharField(help_text="The value in words.")
    said_typical = serializers.CharField()


class ReasonSerializer(serializers.Serializer):  # type: ignore[misc]
    """What raises the risk."""

    group = serializers.CharField()
    words = serializers.CharField()
    sentence = serializers.CharField()
    numbers = NumberSerializer(many=True)
    chance_if_typical = serializers.IntegerField(help_text="Percent, were these numbers a typical learner's.")
    points = serializers.IntegerField(help_text="By how much that is less.")


class MoveSerializer(serializers.Serializer):  # type: ignore[misc]
    """What moved the risk."""

    group = serializers.CharField()
    words = serializers.CharField()
    points = serializers.IntegerField()


class DaySerializer(serializers.Serializer):  # type: ignore[misc]
    """The risk on one day."""

    day = serializers.DateField()
    chance = serializers.IntegerField()
    moved = MoveSerializer(many=True)


class EventSerializer(serializers.Serializer):  # type: ignore[misc]
    """One thing that happened to a case."""

    at = serializers.DateTimeField()
    who = serializers.CharField(help_text="User name of the member of staff; empty: it came by itself.")
    what = serializers.CharField()
    words = serializers.CharField()
    text = serializers.CharField(help_text="What a person wrote.")


class StepSerializer(serializers.Serializer):  # type: ignore[misc]
    """What the learner could do next."""

    words = serializers.CharField()
    url = serializers.CharField()


class ChoiceSerializer(serializers.Serializer):  # type: ignore[misc]
    """A value and its words."""

    value = serializers.CharField()
    words = serializers.CharField()


class OtherSerializer(serializers.Serializer):  # type: ignore[misc]
    """How another course of the learner goes."""

    course = serializers.CharField()
    title = serializers.CharField()
    chance = serializers.IntegerField()
    tier = serializers.CharField()


class LimitsSerializer(serializers.Serializer):  # type: ignore[misc]
    """Where each tier begins, in percent."""

    marginal = serializers.IntegerField(min_value=1, max_value=100)
    moderate = serializers.IntegerField(min_value=1, max_value=100)
    high = serializers.IntegerField(min_value=1, max_value=100)


class ColleagueSerializer(PersonSerializer):
    """Somebody whom a case can be given to."""

    me = serializers.BooleanField(help_text="Who asks.")


class OneCaseSerializer(CaseSerializer):
    """A case with all that helps to work on it."""

    reasons = ReasonSerializer(many=True)
    unknown = serializers.ListField(child=serializers.CharField(), help_text="Of what nothing is known.")
    days = DaySerializer(many=True)
    limits = LimitsSerializer(help_text="Where the tiers begin.")
    history = EventSerializer(many=True)
    next_steps = StepSerializer(many=True)
    staff = ColleagueSerializer(many=True, help_text="Who it can be given to.")
    outcomes = ChoiceSerializer(many=True)
    others = OtherSerializer(many=True)


class NoteSerializer(serializers.Serializer):  # type: ignore[misc]
    """A note."""

    text = serializers.CharField(max_length=5000)


class SeenSerializer(serializers.Serializer):  # type: ignore[misc]
    """Which version of the case the person saw."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class AssignSerializer(SeenSerializer):
    """To whom a case is given."""

    user = serializers.IntegerField(allow_null=True, min_value=1, max_value=2**63 - 1)


class ResolveSerializer(SeenSerializer):
    """How a case ended."""

    outcome = serializers.CharField(max_length=16)
    text = serializers.CharField(max_length=5000, allow_blank=True, required=False, default="")


class HelpSerializer(serializers.Serializer):  # type: ignore[misc]
    """Who helps with a reason, and how."""

    owner = serializers.CharField(required=False)
    intervention = serializers.CharField(required=False, help_text="Empty: the usual one.")


class ChangeSettingsSerializer(serializers.Serializer):  # type: ignore[misc]
    """A course's settings; what is left out stays as it is."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    limits = LimitsSerializer(required=False)
    automatic = serializers.BooleanField(required=False)
    plan = serializers.DictField(child=HelpSerializer(), required=False, help_text="By reason group.")


class PlannedSerializer(HelpSerializer):
    """Who helps with a reason and how, and who does where the course team says nothing."""

    group = serializers.CharField()
    words = serializers.CharField()
    usual = HelpSerializer()


class TierSerializer(ChoiceSerializer):
    """A tier and what happens in it."""

    meaning = serializers.CharField()


class AutomaticLetterSerializer(serializers.Serializer):  # type: ignore[misc]
    """A letter that goes out by itself to who is at risk."""

    id = serializers.IntegerField()
    subject = serializers.CharField()
    tier = serializers.CharField()
    group = serializers.CharField()
    channel = serializers.CharField()
    state = serializers.CharField()
    words = serializers.CharField(help_text="The state in words.")


class SettingsSerializer(serializers.Serializer):  # type: ignore[misc]
    """A course's settings, and what they mean for those who take it now."""

    limits = LimitsSerializer()
    automatic = serializers.BooleanField()
    groups = PlannedSerializer(many=True)
    owners = ChoiceSerializer(many=True)
    tiers = TierSerializer(many=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Learners by tier.")
    histogram = serializers.ListField(child=serializers.IntegerField(), help_text="Learners by percent.")
    letters = AutomaticLetterSerializer(many=True)
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="After a change: what cannot go out by itself, and why."
    )
    version = serializers.IntegerField()
