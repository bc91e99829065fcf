from django.urls import path

from randomization import views

urlpatterns = [
    path("t/<slug:trial>/draws/", views.draws, name="draws"),
    path("t/<slug:trial>/draws/<int:number>/", views.draw, name="draw"),
    path("t/<slug:trial>/draws/<int:number>/beacon/", views.beacon, name="draw_beacon"),
    path("t/<slug:trial>/draws/<int:number>/take-back/", views.take_back, name="draw_take_back"),
    path("t/<slug:trial>/draws/<int:number>/withdraw/", views.withdraw, name="draw_withdraw"),
    path("t/<slug:trial>/draws/<int:number>/withdraw/confirm/", views.confirm_withdrawal, name="confirm_withdrawal"),
    path("lots/verify.py", views.verifier, name="lottery_verifier"),
    path("lots/<slug:trial>/", views.public_draws, name="public_draws"),
    path("lots/<slug:trial>/<int:number>/", views.public_draw, name="public_draw"),
    path("lots/<slug:trial>/<int:number>/record.json", views.public_record, name="public_record"),
]
