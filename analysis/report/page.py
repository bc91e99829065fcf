"""The page itself: one HTML file that needs nothing else, for screen, paper and screen reader."""

import base64
import hashlib
import re
from html import escape
from pathlib import Path

from analysis.estimators.plan import Plan
from analysis.estimators.results import Results
from analysis.report.charts import to_svg
from analysis.report.parts import Figure, Run, Section, Table
from analysis.report.sections import sections
from analysis.report.words import Language, Voice

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def to_html(plan: Plan, results: Results, language: Language = "nl", threshold: int = 0) -> str:
    """The whole run as one page; `threshold` is the least number of persons behind what is shown (0 shows all)."""
    run = Run(plan, results, Voice(language), threshold)
    found, voice = sections(run), run.voice
    links = "".join(f'<li><a href="#{part.key}">{escape(part.title)}</a></li>' for part in found)
    cut = f"<p>{escape(voice('cut').format(k=threshold))}</p>" if threshold else ""
    lines = (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(voice('title'))}: {escape(plan.path.stem)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        f'<a class="skip" href="#content">{escape(voice("skip"))}</a>',
        f"<header><h1>{escape(voice('title'))}</h1>{cut}</header>",
        f'<nav aria-label="{escape(voice("contents"))}"><ul>{links}</ul></nav>',
        f'<main id="content">\n{"".join(_section(run, part) for part in found)}</main>',
        f"{_colophon(run)}</body>\n</html>\n",
    )
    return "\n".join(lines)


def policy() -> str:
    """No scripts, no network; only this style."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _section(run: Run, section: Section) -> str:
    parts = []
    for number, part in enumerate(section.parts, start=1):
        place = f"{section.title}, {run.voice('table')} {number}"
        if isinstance(part, Table):
            parts.append(_table(part, place))
        else:
            parts.append(_figure(run, part, f"{section.key}-{number}", place))
    texts = "".join(f"<p>{escape(text)}</p>" for text in section.texts)
    head = f'<h2 id="{section.key}-title">{escape(section.title)}</h2>\n{texts}'
    return f'<section id="{section.key}" aria-labelledby="{section.key}-title">\n{head}{"".join(parts)}</section>\n'


def _table(table: Table, place: str) -> str:
    """A table that can be scrolled by keyboard; `place` tells it from the others."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.head)
    lines = []
    for first, *rest in table.rows:
        cells = "".join(f"<td>{escape(text)}</td>" for text in rest)
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>\n')
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(place)}"><table>\n'
        f"<caption>{escape(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n</table></div>\n"
    )


def _figure(run: Run, figure: Figure, name: str, place: str) -> str:
    title = f"{run.voice('picture')}: {figure.title}. {run.voice('same_numbers')}"
    svg = _own_ids(to_svg(figure.spec, "nl-NL" if run.voice.language == "nl" else "en-US"), name)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
    return f"<figure>\n<figcaption>{escape(figure.title)}</figcaption>\n{svg}\n</figure>\n{_table(figure.table, place)}"


def _own_ids(svg: str, name: str) -> str:
    """Names in a drawing that no other drawing on the page has, and one role only: that of the whole."""
    svg = re.sub(r' (role="graphics-[^"]*"|aria-[a-z]+="[^"]*")', "", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)


def _colophon(run: Run) -> str:
    results = run.results
    software = ", ".join(f"{name} {version}" for name, version in results.software.items())
    pairs = [
        ("plan (SHA-256)", results.plan_sha256),
        ("data (SHA-256)", results.data_sha256 or "–"),
        ("software", software),
    ]
    seeds = [f"{item.id}: {item.seed}" for item in run.plan.analyses if "seed" in item.model_fields_set]
    if seeds:
        pairs.append(("seed", "; ".join(seeds)))
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    head = f'<h2 id="colophon">{escape(run.voice("colophon"))}</h2>'
    return f'<footer aria-labelledby="colophon">{head}<dl>{lines}</dl></footer>\n'
