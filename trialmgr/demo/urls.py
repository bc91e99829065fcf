from django.urls import path

from trialmgr.demo import views

urlpatterns = [
    path("second-factor/", views.enrol_second_factor, name="demo_second_factor"),
    path("next-night/", views.let_a_night_pass, name="demo_next_night"),
]
