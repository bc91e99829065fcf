"""Background work of the draw. The truth is the row that asks for it; Celery is only the bell."""

from celery import shared_task

from randomization import services
from randomization.models import Draw, Status


@shared_task
def freeze_list(draw_id: int) -> None:
    services.freeze_list(draw_id=draw_id)


@shared_task
def freeze_requested() -> None:
    """Ring again for lists whose bell was lost."""
    for draw_id in Draw.objects.filter(status=Status.REQUESTED).values_list("pk", flat=True):
        services.freeze_list(draw_id=draw_id)
