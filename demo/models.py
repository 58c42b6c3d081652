"""Where the demo keeps the fields of its blocks."""

from django.db import models


class BlockFields(models.Model):
    """All field values of one scope of one block, for one learner or for everybody."""

    key = models.CharField(max_length=400, unique=True)
    values = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.key
