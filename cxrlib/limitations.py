"""What the collection cannot tell, and what the program must not be used for.

Short words of our own; the source of each is a place in the papers that describe the
collection (keys of docs/references.md), so that a reader can look it up.
"""

from dataclasses import dataclass

__all__ = ["LIMITS", "NOT_FOR", "Limit", "Source"]

_PLACES = {"cohen2020": "2020-03", "cohen2020b": "2020-12"}


@dataclass(frozen=True)
class Source:
    """Name a place in one of the papers.

    Parameters
    ----------
    reference : str
        Key of the paper in docs/references.md.
    section : str
        "section 7", "Table 2", "abstract".
    """

    reference: str
    section: str

    def __str__(self) -> str:
        return f"{_PLACES[self.reference]}, {self.section}"


@dataclass(frozen=True)
class Limit:
    """Hold one limit, or one use that is not served.

    Parameters
    ----------
    name : str
        Short, for addresses and tests.
    title : str
    text : str
        One to three sentences.
    sources : tuple of Source
        Where the papers say so, or what they say that the text answers.
    """

    name: str
    title: str
    text: str
    sources: tuple[Source, ...]

    @property
    def source_line(self) -> str:
        """The sources in one line: "2020-12, section 7; 2020-03, section 2"."""
        return "; ".join(str(source) for source in self.sources)


def _early(section: str) -> Source:
    return Source("cohen2020", section)


def _main(section: str) -> Source:
    return Source("cohen2020b", section)


LIMITS = (
    Limit(
        "selection-bias",
        "Clear and interesting cases",
        "The images were probably made public to teach, because they are clear or unusual. They "
        "are not what a hospital sees, so no share here is a rate of anything outside the "
        "collection.",
        (_main("section 7"),),
    ),
    Limit(
        "publication-bias",
        "What was published, and by whom",
        "Images come from articles and from websites of cases. Hospitals that publish none are "
        "not here; one repository or one article can make up most of a region.",
        (_main("sections 1 and 3.1"), _main("Table 7"), _early("section 3")),
    ),
    Limit(
        "omitted-normal-values",
        "Normal values left out",
        "Public case reports tell what was striking. A value, or a stay in the ICU, that is not "
        "recorded may have been normal, may not have happened, or was not asked.",
        (_main("section 7"),),
    ),
    Limit(
        "unequal-regions",
        "Regions differ in more than the disease",
        "Labels are spread unevenly over regions, and so are sources, views and what was "
        "recorded. The authors call the collection very biased and unbalanced.",
        (_main("section 4"), _main("Table 3")),
    ),
    Limit(
        "absent-variables",
        "No ethnicity, no earlier illness",
        "Ethnic background, earlier illnesses and a weakened immune system are not recorded, so "
        "nothing can be adjusted for them.",
        (_main("section 7"),),
    ),
    Limit(
        "processing",
        "Processed on the way",
        "Between the hospital's archive and the page or PDF an image may have been cropped, "
        "scaled, compressed, windowed or marked. Nobody recorded how, and grey values have no "
        "physical meaning.",
        (_main("section 3.1"), _early("section 3")),
    ),
    Limit(
        "offset",
        "Days that count from two starts",
        "An offset counts from the first symptoms or from admission, whichever was reported, and "
        "“after a few days” was entered as 5.",
        (_main("Table 2"), _early("Table 2")),
    ),
    Limit(
        "dates-of-values",
        "Outcomes without a date",
        "Going to the ICU, intubation and survival are recorded once for the whole illness, not "
        "for the day of an image; a laboratory value should be of the same day, which was "
        "hard to make sure of.",
        (_main("Table 2"), _main("section 3.1")),
    ),
    Limit(
        "visible-treatment",
        "The image shows the answer",
        "A tube in the image, or a view taken lying down, tells that a patient is very ill. A "
        "model may read that instead of the lungs.",
        (_main("sections 4 and 5.2"),),
    ),
    Limit(
        "small-tests",
        "Results from few images",
        "Many published results on such data rest on small or private sets without a proper "
        "test and promise too much.",
        (_main("section 2.3"),),
    ),
    Limit(
        "imaging-societies",
        "What imaging societies advised",
        "From March to May 2020 the Fleischner Society, the American, Canadian and British "
        "societies advised: no diagnosis of COVID-19 from images alone, no imaging of everybody "
        "suspected, no decision to test by images, since a normal image does not rule the "
        "disease out and an abnormal one does not prove it. They saw a place for imaging where "
        "breathing worsens or the risk is high, and for triage where means are short.",
        (_main("section 2.2"), _main("section 5.1")),
    ),
)
"""What the collection cannot tell."""

NOT_FOR = (
    Limit(
        "diagnosis",
        "Diagnosis",
        "Not for finding or ruling out COVID-19 or any other disease in a person.",
        (_main("sections 2.2 and 5.1"),),
    ),
    Limit(
        "triage",
        "Triage",
        "Not for deciding who is tested, admitted, moved to the ICU or seen first. The first "
        "paper hoped for such tools; nothing here was tested for it.",
        (_early("section 2"), _main("sections 1 and 7")),
    ),
    Limit(
        "allocation",
        "Allocation of care",
        "Not for deciding who receives a bed, a ventilator or a drug when there are too few, "
        "and not as a “measuring device” for such decisions, which the first paper imagined.",
        (_early("section 2"), _main("section 7")),
    ),
    Limit(
        "prognosis",
        "Prognosis of a person",
        "Not for telling a patient's chance to survive or the need for a tube. Places and "
        "neighbours on a map are a view of a network's numbers, not a forecast.",
        (_main("sections 5.3, 5.4 and 7"),),
    ),
    Limit(
        "rates",
        "Rates and rankings",
        "Not for comparing countries, hospitals or groups of people in how ill they are or how "
        "well they are treated: who is here was chosen by what was published.",
        (_main("section 7"), _main("Table 3")),
    ),
    Limit(
        "treatment",
        "Effects of treatment",
        "Not for judging a drug or a ventilator setting: nobody was assigned to one, and few "
        "patients have images before and after.",
        (_main("sections 5.4 and 7"),),
    ),
    Limit(
        "identification",
        "Finding the person",
        "Not for learning who a patient is. The images were taken from public sources so as not "
        "to breach anybody's confidence.",
        (_early("section 1"), _main("Broader Impact")),
    ),
)
"""Uses that the program must not serve."""
