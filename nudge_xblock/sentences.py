"""Decision reasons in plain, translatable words, for staff."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .reasons import Reason

SENTENCES: Mapping[Reason, Promise] = {
    Reason.EXPLORE: _("Sent by chance, whatever the prediction, so that the model keeps learning."),
    Reason.TRICKLE: _("Sent by chance although this message is usually held back, so that it can recover."),
    Reason.COLD: _("Sent because this learner has met too few messages to predict from."),
    Reason.NO_MODEL: _("Sent because no model has been trained yet; the answers will train one."),
    Reason.HELPFUL: _("Sent because learners like this usually find it helpful."),
    Reason.LETTER: _("Sent because course staff addressed this message to the learner."),
    Reason.PLACEMENT: _("Held back for nearly everyone because few learners find this message helpful here."),
    Reason.HARMFUL: _("Held back for nearly everyone because learners completed less after this message."),
    Reason.SPARED: _("Held back by chance, to learn what happens without it."),
    Reason.CONTROL: _(
        "Held back because this learner is one of the few who are never nudged, to compare with."
    ),
    Reason.LEARNER: _("Held back because it rarely helps learners like this at such a moment."),
    Reason.OPTED_OUT: _("Held back because the learner asked for no nudges."),
    Reason.STAFF: _("Held back because course staff are not nudged."),
    Reason.NOT_STARTED: _("Held back because the course has not started."),
    Reason.ENDED: _("Held back because the course has ended."),
    Reason.CERTIFIED: _("Held back because the learner already has a certificate."),
    Reason.PAST_DUE: _("Held back because the due date has passed."),
    Reason.QUIET: _("Held back because it is within quiet hours where the learner lives."),
    Reason.COOL_DOWN: _("Held back because the learner had a nudge shortly before."),
    Reason.CAP_DAY: _("Held back because the learner has had enough nudges for one day."),
    Reason.CAP_WEEK: _("Held back because the learner has had enough nudges for one week."),
    Reason.ANOTHER: _("Held back because another page of the same learner got a nudge just now."),
    Reason.NO_STATE: _("Held back because what the learner did so far has not been worked through yet."),
    Reason.BROKEN_MODEL: _("Held back because the stored model is damaged; see the nightly report."),
    Reason.SLOW: _("Held back because deciding took too long; the page was not kept waiting."),
    Reason.FAILED: _("Held back because something went wrong; the server log says what."),
}


def sentence(code: str) -> str:
    """The sentence for a stored reason code; the code itself when it is none of ours."""
    known = code in Reason.__members__.values()
    return str(SENTENCES[Reason(code)]) if known else code
