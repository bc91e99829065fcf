from django.apps import AppConfig


class ProtocolConfig(AppConfig):
    name = "trialmgr.protocol"
    label = "protocol"
