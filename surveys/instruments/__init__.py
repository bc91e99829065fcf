"""Questionnaires as data files: what is asked, in which words, and how the answers are scored. Knows nothing of Django.

Start with `loading.load_instrument`, `loading.load_questionnaire` and `scoring.score`.
"""
