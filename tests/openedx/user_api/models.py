"""openedx/core/djangoapps/user_api/models.py"""

from django.conf import settings
from django.db import models


class UserPreference(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, related_name="preferences", on_delete=models.CASCADE)
    key = models.CharField(max_length=255, db_index=True)
    value = models.TextField()

    class Meta:
        app_label = "user_api"

    def __str__(self) -> str:
        return self.key


class UserRetirementStatus(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    original_username = models.CharField(max_length=150, db_index=True)

    class Meta:
        app_label = "user_api"

    def __str__(self) -> str:
        return str(self.user_id)
