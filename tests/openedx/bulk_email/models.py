"""lms/djangoapps/bulk_email/models.py"""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class Optout(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255, db_index=True)

    class Meta:
        app_label = "bulk_email"

    def __str__(self) -> str:
        return f"{self.user_id} declined {self.course_id}"
