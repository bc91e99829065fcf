"""Jobs of the research worker. Arguments are wave numbers; no pseudonym and no answer ever enters the broker."""

from celery import shared_task

from surveys.answers import services


@shared_task(ignore_result=True)
def pour() -> None:
    services.pour()


@shared_task(ignore_result=True)
def wait_a_day() -> None:
    services.wait_a_day()


@shared_task(ignore_result=True)
def score_due() -> None:
    for number in services.waves_to_score():
        score_wave.delay(number)


@shared_task(ignore_result=True, acks_late=True)
def score_wave(number: int) -> None:
    services.score_wave(number)
