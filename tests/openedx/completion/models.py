"""openedx/completion: completion/models.py"""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import LearningContextKeyField, UsageKeyField


class BlockCompletion(models.Model):
    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    context_key = LearningContextKeyField(max_length=255, db_column="course_key")
    block_key = UsageKeyField(max_length=255)
    block_type = models.CharField(max_length=64)
    completion = models.FloatField()
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta:
        app_label = "completion"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.block_key}"
