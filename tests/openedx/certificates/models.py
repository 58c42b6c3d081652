"""lms/djangoapps/certificates/models.py"""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class GeneratedCertificate(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255, blank=True, default=None)
    status = models.CharField(max_length=32, default="unavailable")
    mode = models.CharField(max_length=32, default="honor")
    created_date = models.DateTimeField()

    class Meta:
        app_label = "certificates"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.status}"
