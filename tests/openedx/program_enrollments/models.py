"""lms/djangoapps/program_enrollments/models.py"""

from django.conf import settings
from django.db import models


class ProgramEnrollment(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    program_uuid = models.UUIDField(db_index=True)
    status = models.CharField(max_length=9)
    created = models.DateTimeField()

    class Meta:
        app_label = "program_enrollments"

    def __str__(self) -> str:
        return f"{self.user_id} in {self.program_uuid}"
