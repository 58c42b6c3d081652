"""openedx/edx-when: edx_when/models.py"""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class DatePolicy(models.Model):
    abs_date = models.DateTimeField(null=True, blank=True, db_index=True)
    rel_date = models.DurationField(null=True, blank=True, db_index=True)

    class Meta:
        app_label = "edx_when"

    def __str__(self) -> str:
        return f"{self.abs_date or self.rel_date}"


class ContentDate(models.Model):
    course_id = CourseKeyField(db_index=True, max_length=255)
    policy = models.ForeignKey(DatePolicy, on_delete=models.CASCADE)
    location = UsageKeyField(null=True, default=None, db_index=True, max_length=255)
    field = models.CharField(max_length=255, default="")
    active = models.BooleanField(default=True)

    class Meta:
        app_label = "edx_when"

    def __str__(self) -> str:
        return f"{self.field} of {self.location}"


class UserDate(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    content_date = models.ForeignKey(ContentDate, on_delete=models.CASCADE)
    abs_date = models.DateTimeField(null=True, blank=True)
    rel_date = models.DurationField(null=True, blank=True, db_index=True)
    modified = models.DateTimeField()

    class Meta:
        app_label = "edx_when"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.abs_date or self.rel_date}"
