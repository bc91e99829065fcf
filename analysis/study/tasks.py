"""Jobs of the research worker on runs; the run itself is done beside the vault, by `analysis.study.worker`."""

from celery import shared_task

from analysis.study import services


@shared_task(ignore_result=True)
def sweep_release() -> None:
    services.sweep_release()
