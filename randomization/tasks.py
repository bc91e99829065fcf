"""Background work of the draw. The truth is the row that asks for it; Celery is only the bell."""

import logging

from celery import shared_task

from randomization import drawing, freezing
from randomization.models import Draw, Status
from trialmgr.core.errors import DomainError

log = logging.getLogger("trialmgr.randomization")


@shared_task
def freeze_list(draw_id: int) -> None:
    freezing.freeze_list(draw_id=draw_id)


@shared_task
def draw_lots(draw_id: int) -> None:
    try:
        drawing.draw_lots(draw_id=draw_id)
    except DomainError:
        log.exception("draw %s waits", draw_id)


@shared_task
def go_on_with_draws() -> None:
    """Ring again for lists and lots whose bell was lost."""
    for draw_id, status in Draw.objects.filter(status__in=WORK).values_list("pk", "status"):
        WORK[status].delay(draw_id)


WORK = {Status.REQUESTED: freeze_list, Status.CONFIRMED: draw_lots}
