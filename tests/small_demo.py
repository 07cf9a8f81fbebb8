"""A stand-in for the demo cohort, small enough to embed and map within seconds."""

from pathlib import Path

import pytest

from tests.cohort_factory import make_cohort

PLACES = ("Milan, Italy", "Wuhan, China", "Lima, Peru")
A_PLACE = 12
STORY = ("12", "29")


def write_small_demo(root: Path) -> Path:
    """Write 36 patients in three regions, half of them in intensive care; two have three days."""
    rows: list[dict[str, object]] = []
    for i in range(len(PLACES) * A_PLACE):
        patient = {
            "patientid": str(i),
            "went_icu": "YN"[i % 2],
            "survival": "NY"[i % 3 > 0],
            "view": {5: "AP Supine", 8: "L"}.get(i, ("PA", "AP")[i % 3 == 0]),
            "sex": "MF"[i // 2 % 2],
            "age": 30 + i,
            "location": PLACES[i // A_PLACE],
            "doi": f"10.1000/{i}",
            "url": f"https://site{i % 4}.example/{i}",
        }
        days = (1, 3, 6) if str(i) in STORY else (1 + i % 6,)
        rows += [patient | {"offset": day, "in_icu": "NY"[day == 6]} for day in days]
    named = [row | {"filename": f"image{n}.png"} for n, row in enumerate(rows, start=1)]
    captions = dict.fromkeys(STORY, "gets worse.")
    planted = {"synthetic": True, "name": "Small demo (synthetic)"}
    story = {"story": {"patients": list(STORY), "captions": captions}}
    return make_cohort(root, named, planted=planted | story)


def stand_in(monkeypatch: pytest.MonkeyPatch, root: Path, cache: Path) -> None:
    """Let `cxrlib.load_demo` give the small cohort, and keep everything in a cache of the test."""
    monkeypatch.setattr("cxrlib.notebook.cohorts.make_demo", lambda _: root)
    monkeypatch.setenv("CXR_CACHE", str(cache))


def lay_out_by_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute maps without UMAP, which compiles itself for half a minute."""
    from cxrlib.maps import projection

    monkeypatch.setattr(projection, "_fit_umap", lambda numbers, *_: projection._fit_pca(numbers))
