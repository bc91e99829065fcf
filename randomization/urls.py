from django.urls import path

from randomization import public, views

urlpatterns = [
    path("t/<slug:trial>/draws/", views.draws, name="draws"),
    path("t/<slug:trial>/draws/<int:number>/", views.draw, name="draw"),
    path("t/<slug:trial>/draws/<int:number>/beacon/", views.beacon, name="draw_beacon"),
    path("t/<slug:trial>/draws/<int:number>/take-back/", views.take_back, name="draw_take_back"),
    path("t/<slug:trial>/draws/<int:number>/withdraw/", views.withdraw, name="draw_withdraw"),
    path("t/<slug:trial>/draws/<int:number>/withdraw/confirm/", views.confirm_withdrawal, name="confirm_withdrawal"),
    path("lots/", public.public_trials, name="public_trials"),
    path("lots/verify.py", public.verifier, name="lottery_verifier"),
    path("lots/<slug:trial>/", public.public_draws, name="public_draws"),
    path("lots/<slug:trial>/<int:number>/", public.public_draw, name="public_draw"),
    path("lots/<slug:trial>/<int:number>/record.json", public.public_record, name="public_record"),
    path("lots/<slug:trial>/<int:number>/published.json", public.published_record, name="published_record"),
    path("lots/<slug:trial>/<int:number>/groups.json", public.group_names, name="group_names"),
]
