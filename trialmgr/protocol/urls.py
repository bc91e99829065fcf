from django.urls import path

from trialmgr.protocol import views

urlpatterns = [path("t/<slug:trial>/protocol/", views.protocol, name="protocol")]
