from django.apps import AppConfig


class DeploymentConfig(AppConfig):
    name = "trialmgr.deployment"
    label = "deployment"

    def ready(self) -> None:
        from trialmgr.deployment import checks  # noqa: F401 -- it registers them
