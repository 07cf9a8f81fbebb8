"""The numbers that the papers print of their cohort, as they print them.

Tables 1, 3, 4 and 7 and the counts in the text of Cohen et al. 2020b (Prospective Predictions)
and Table 1 of Cohen et al. 2020 (the first announcement), typed from the papers. A line below is
a row of the paper, its cells parted by bars: first what the row is called in a cohort's table,
then what the paper calls it, then the numbers as printed, "6/5" being six yes and five no. How
many decimals are printed says how exactly a number can be compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cxrlib.errors import SelectionError

__all__ = [
    "PAPER_COMMIT",
    "PUBLISHED",
    "TOTALS",
    "PublishedCell",
    "PublishedColumn",
    "PublishedTable",
    "find_table",
]

PAPER_COMMIT = "8e7e5900032e0eacbfee0e604561ea3a258e2b2a"
"""The collection's state of 18 September 2020, which the tables of 2020-12 count."""

TOTALS = "Totals"
"""The row that counts the whole table."""


@dataclass(frozen=True)
class PublishedColumn:
    """Name a column of numbers.

    Parameters
    ----------
    name : str
        Its name in comparisons.
    title : str
        Its title in words.
    unit : str
        What the numbers are: "images", "patients", "years", "share", or "count" where the
        row says what.
    whole : tuple of (int or None, int or None), optional
        Images and patients that the column parts, where a number says how large its row
        is. None where a number is taken from its row.
    """

    name: str
    title: str
    unit: str
    whole: tuple[int | None, int | None] | None = None


@dataclass(frozen=True)
class PublishedCell:
    """Hold one printed number.

    Parameters
    ----------
    row, column : str
    value : float
    decimals : int
        As printed.
    n_images, n_patients : int or None
        The size of what it was taken from; None where the paper does not say.
    """

    row: str
    column: str
    value: float
    decimals: int
    n_images: int | None
    n_patients: int | None


@dataclass(frozen=True)
class PublishedTable:
    """Hold one table of a paper.

    Parameters
    ----------
    name : str
        Its name here: "table-1".
    reference : str
        Key of the paper in docs/references.md.
    place : str
        Where it stands: "Table 1 (2020-12)".
    title : str
        What it counts, in our words.
    by : str
        The grouping that the command ``tables`` has for it; "" for none.
    unit : str
        "image" or "patient": what the shares and means of a row are taken over.
    selection : str
        Which rows of the collection were counted, in words.
    as_of : str
        The date of the collection's state, in words.
    commit : str or None
        That state, where it is known.
    columns : tuple of PublishedColumn
    row_titles : mapping of str to str
        The paper's name of each row, by ours.
    cells : tuple of PublishedCell
        Row by row, as in the paper.
    notes : tuple of str
        What a reader of the whole table should know.
    column_notes, row_notes : mapping of str to str
        The same of one column, of one row.
    cell_notes : mapping of (str, str) to str
        The same of one number, by row and column.
    """

    name: str
    reference: str
    place: str
    title: str
    by: str
    unit: str
    selection: str
    as_of: str
    commit: str | None
    columns: tuple[PublishedColumn, ...]
    row_titles: Mapping[str, str]
    cells: tuple[PublishedCell, ...]
    notes: tuple[str, ...] = ()
    column_notes: Mapping[str, str] = field(default_factory=dict)
    row_notes: Mapping[str, str] = field(default_factory=dict)
    cell_notes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def find_column(self, name: str) -> PublishedColumn:
        """Find a column by its name; raises KeyError where there is none."""
        return {column.name: column for column in self.columns}[name]


# ---- 2020-12. Section 3 states the wholes: 679 frontal images of 412 patients, 518 of them
# PA or AP and 161 AP Supine, and 82 lateral images.

FRONTAL = (679, 412)

_TABLE_1 = """
Viral/COVID-19            | Viral, COVID-19 (SARSr-CoV-2)   | 468
Viral/SARS                | Viral, SARS (SARSr-CoV-1)       | 16
Viral/MERS-CoV            | Viral, MERS-CoV                 | 10
Viral/Varicella           | Viral, Varicella                | 5
Viral/Influenza           | Viral, Influenza                | 4
Viral/Herpes              | Viral, Herpes                   | 3
Bacterial/Streptococcus   | Bacterial, Streptococcus spp.   | 13
Bacterial/Klebsiella      | Bacterial, Klebsiella spp.      | 9
Bacterial/E.Coli          | Bacterial, Escherichia coli     | 4
Bacterial/Nocardia        | Bacterial, Nocardia spp.        | 4
Bacterial/Mycoplasma      | Bacterial, Mycoplasma spp.      | 5
Bacterial/Legionella      | Bacterial, Legionella spp.      | 7
Bacterial/Unknown         | Bacterial, Unknown              | 2
Bacterial/Chlamydophila   | Bacterial, Chlamydophila spp.   | 1
Bacterial/Staphylococcus  | Bacterial, Staphylococcus spp.  | 1
Fungal/Pneumocystis       | Fungal, Pneumocystis spp.       | 24
Fungal/Aspergillosis      | Fungal, Aspergillosis spp.      | 2
Lipoid/Not applicable     | Lipoid, Not applicable          | 8
Aspiration/Not applicable | Aspiration, Not applicable      | 1
Unknown/Unknown           | Unknown, Unknown                | 59
"""

# Patients, frontal images, mean age, survival, ICU, intubation, COVID-19, RT-PCR, male ratio.
_TABLE_3 = """
Northern Africa | Africa, Northern Africa | 5 | 13 | 40.00 | 0/1 | 0/0 | 0/0 | 0 | 0 | 0.00
Latin America and the Caribbean | Americas, Latin Amer./Caribbean \
| 5 | 5 | 42.80 | 1/0 | 1/1 | 0/1 | 3 | 1 | 0.80
Northern America | Americas, Northern America \
| 27 | 46 | 53.12 | 6/5 | 11/2 | 11/4 | 17 | 15 | 0.56
Eastern Asia | Asia, Eastern Asia | 54 | 90 | 55.14 | 16/6 | 6/5 | 8/6 | 50 | 40 | 0.35
South-eastern Asia | Asia, South-eastern Asia | 9 | 17 | 46.67 | 4/1 | 1/3 | 1/3 | 8 | 8 | 0.56
Southern Asia | Asia, Southern Asia | 15 | 24 | 48.27 | 4/0 | 3/0 | 3/0 | 14 | 14 | 0.73
Western Asia | Asia, Western Asia | 13 | 20 | 46.92 | 2/0 | 3/0 | 2/0 | 6 | 4 | 0.54
Eastern Europe | Europe, Eastern Europe | 4 | 7 | 67.50 | 1/0 | 0/0 | 0/0 | 1 | 1 | 0.50
Northern Europe | Europe, Northern Europe | 31 | 60 | 58.78 | 3/3 | 7/0 | 7/1 | 22 | 18 | 0.55
Southern Europe | Europe, Southern Europe \
| 123 | 195 | 59.30 | 31/4 | 25/9 | 13/22 | 91 | 74 | 0.63
Western Europe | Europe, Western Europe | 53 | 92 | 52.83 | 19/2 | 19/29 | 1/1 | 49 | 5 | 0.60
Australia and New Zealand | Oceania, Australia/New Zealand \
| 42 | 60 | 50.48 | 4/0 | 1/1 | 1/1 | 1 | 2 | 0.57
Unknown | Unknown | 31 | 50 | 53.64 | 3/3 | 6/0 | 7/2 | 19 | 0 | 0.55
Totals | Totals | 412 | 679 | 55.1 | 119 | 133 | 95 | 281 | 182 | 0.55
"""

# "Patients" (which are images), mean age, survival, ICU, intubation, COVID-19, RT-PCR, ratio.
_TABLE_4 = """
PA        | PosteroAnterior (PA) | 326 | 52.21 | 104/19 | 53/67 | 33/55 | 191 | 112 | 0.54
AP        | AnteroPosterior (AP) | 192 | 57.93 | 36/13  | 58/6  | 51/15 | 141 | 109 | 0.54
AP Supine | AP Supine            | 161 | 57.84 | 51/20  | 89/11 | 42/6  | 136 | 64  | 0.64
L         | Lateral (L)          | 82  | 49.78 | 25/2   | 5/11  | 2/16  | 25  | 20  | 0.73
"""

# PA or AP, AP Supine, lateral. The DOIs are those of the paper's list of references, but for
# Winther, Cai and Allen, whose reference has none: theirs are the collection's.
_TABLE_7 = """
10.6084/m9.figshare.12275009        | Winther et al. [2020a]          | 48 | 44 | 0
10.1148/rg.242035193                | Paul et al. [2004]              | 11 | 0 | 0
10.1148/radiol.2020201160           | Wong et al. [2019]              | 9 | 0 | 0
10.1148/radiol.2282030593           | Wong et al. [2003]              | 5 | 0 | 0
10.1016/j.jfma.2020.02.007          | Cheng et al. [2020]             | 4 | 0 | 0
10.1016/j.jmii.2020.03.008          | Hsih et al. [2020]              | 4 | 0 | 0
10.1016/j.radi.2020.04.002          | Woznitza et al. [2020]          | 4 | 0 | 0
10.1056/nejmoa2001191               | Holshue et al. [2020]           | 4 | 0 | 3
10.1056/nejmc2001272                | Phan et al. [2020]              | 4 | 0 | 0
10.1148/ryct.2020200034             | Ng et al. [2020]                | 4 | 0 | 0
10.1007/s00068-020-01364-7          | Coimbra et al. [2020]           | 3 | 0 | 0
10.1007/s00296-020-04584-7          | Song et al. [2020b]             | 3 | 0 | 0
10.1016/j.anl.2020.04.002           | Hiramatsu et al. [2020]         | 3 | 0 | 0
10.1016/j.chom.2020.03.021          | Ong et al. [2020]               | 3 | 0 | 0
10.1016/j.idcr.2020.e00775          | Azekawa et al. [2020]           | 3 | 0 | 0
10.1016/j.medcle.2020.03.004        | Sánchez-Oro et al. [2020]       | 3 | 0 | 0
10.1093/cid/ciaa199                 | Wu et al. [2020]                | 3 | 0 | 0
10.1148/ryct.2020200033             | Qian et al. [2020]              | 3 | 0 | 0
10.3346/jkms.2020.35.e79            | Lim et al. [2020]               | 3 | 0 | 0
10.3348/kjr.2020.0132               | Yoon et al. [2020]              | 3 | 0 | 0
10.4269/ajtmh.20-0203               | Sivakorn et al. [2020]          | 3 | 0 | 0
10.1007/s11547-020-01200-3          | Borghesi and Maroldi [2020a]    | 2 | 3 | 0
10.1111/all.14238                   | jin Zhang et al. [2020]         | 2 | 3 | 0
10.1016/j.idcr.2020.e00762          | Rodriguez et al. [2020]         | 2 | 1 | 0
10.1016/s0140-6736(20)30211-7       | Chen et al. [2020]              | 2 | 0 | 0
10.1016/s1473-3099(20)30111-0       | Cuong et al. [2020]             | 2 | 0 | 0
10.1016/j.cardfail.2020.04.007      | SINGH et al. [2020]             | 2 | 0 | 0
10.1016/j.crad.2020.04.002          | Hare et al. [2020]              | 2 | 0 | 0
10.1016/j.jmii.2020.02.009          | Huang et al. [2020]             | 2 | 0 | 0
10.1016/j.jmii.2020.03.003          | Lee et al. [2020]               | 2 | 0 | 0
10.1016/j.kint.2020.03.018          | Banerjee et al. [2020]          | 2 | 0 | 0
10.1016/j.seizure.2020.04.009       | Vollono et al. [2020]           | 2 | 0 | 0
10.1038/s41379-020-0536-x           | Tian et al. [2020a]             | 2 | 0 | 0
10.1038/s41591-020-0819-2           | Thevarajan et al. [2020]        | 2 | 0 | 0
10.1056/nejmc2001573                | Liu et al. [2020a]              | 2 | 0 | 0
10.11909/j.issn.1671-5411.2020.04.005 | Cai et al. [2020]             | 2 | 0 | 0
10.7759/cureus.7482                 | Ahmed et al. [2020]             | 2 | 0 | 0
10.1007/s11547-020-01203-0          | Fichera et al. [2020]           | 1 | 7 | 0
10.1016/j.hrcr.2020.04.015          | Ebrille et al. [2020]           | 1 | 3 | 0
10.1016/s2213-2600(20)30076-x       | Xu et al. [2020]                | 1 | 2 | 0
10.1016/j.jgar.2020.04.024          | Dastan et al. [2020]            | 1 | 2 | 0
10.1007/s00270-020-02470-0          | Monfardini et al. [2020]        | 1 | 1 | 0
10.1007/s11547-020-01202-1          | Borghesi et al. [2020b]         | 1 | 1 | 0
10.1016/j.clim.2020.108450          | Mastaglio et al. [2020]         | 1 | 1 | 0
10.1016/s0140-6736(20)30370-6       | Silverstein et al. [2020]       | 1 | 0 | 0
10.1016/j.healun.2020.04.004        | Aigner et al. [2020]            | 1 | 0 | 0
10.1016/j.jhin.2020.03.036          | Wong et al. [2020]              | 1 | 0 | 0
10.1093/ageing/afaa068              | Tay and Harwood [2020]          | 1 | 0 | 0
10.1148/cases.20201394              | Liu et al. [2020b]              | 1 | 0 | 0
10.1148/cases.20201558              | Wanshu Zhang and Heshui Shi [2020] | 1 | 0 | 0
10.1148/cases.20201559              | WANG et al. [2020]              | 1 | 0 | 0
10.1148/cases.20201815              | Vu and Vu [2020]                | 1 | 0 | 0
10.1148/radiol.2020200269           | Shi et al. [2020]               | 1 | 0 | 0
10.1148/radiol.2020200274           | Song et al. [2020a]             | 1 | 0 | 0
10.1148/radiol.2020200490           | Zu et al. [2020]                | 1 | 0 | 0
10.1148/ryct.2020200028             | Kong and Agarwal [2020]         | 1 | 0 | 0
10.1186/s12941-020-00358-y          | Millán-Oñate et al. [2020]      | 1 | 0 | 0
10.1186/s40779-020-0233-6           | Jin et al. [2020]               | 1 | 0 | 0
10.3348/kjr.2020.0112               | Wei et al. [2020]               | 1 | 0 | 0
10.4103/1817-1737.69106             | Allen et al. [2010]             | 1 | 0 | 0
10.4274/balkanmedj.galenos.2020.2020.2.15 | An et al. [2020]          | 1 | 0 | 0
10.7150/thno.46465                  | Yu et al. [2020]                | 1 | 0 | 0
10.7759/cureus.7473                 | Mukherjee et al. [2020]         | 1 | 0 | 0
10.1016/j.jiac.2020.03.018          | Nakamura et al. [2020]          | 0 | 5 | 0
10.1056/nejmoa2001017               | Zhu et al. [2020]               | 0 | 2 | 0
10.1056/nejmoa2004500               | Bhatraju et al. [2020]          | 0 | 2 | 0
10.7759/cureus.7782                 | Siddamreddy et al. [2020]       | 0 | 2 | 0
10.1007/s00701-020-04374-x          | Zanin et al. [2020]             | 0 | 1 | 0
10.1016/j.ajem.2020.04.045          | Prince and Sergel [2020]        | 0 | 1 | 0
10.1016/j.amjoto.2020.102487        | Fidan [2020]                    | 0 | 1 | 0
10.1016/j.bbi.2020.04.077           | Avula et al. [2020]             | 0 | 1 | 0
10.1016/j.chest.2020.04.024         | Radbel et al. [2020]            | 0 | 1 | 0
10.1016/j.pulmoe.2020.04.012        | Tonelli et al. [2020]           | 0 | 1 | 0
10.2214/ajr.20.23034                | Salehi et al. [2020]            | 0 | 1 | 0
10.2214/ajr.20.23034                | Salehi et al. [2020]            | 0 | 1 | 0
10.7759/cureus.7352                 | Filatov et al. [2020]           | 0 | 1 | 0
"""

# What stands in the text and in no table: sections 1, 3 and 6 and appendix A.
_TEXT = """
xrays           | Images collected                     | 761
frontal         | Frontal images                       | 679
pa_ap           | PA or AP                             | 518
ap_supine       | AP Supine                            | 161
lateral         | Lateral                              | 82
patients        | People                               | 412
men             | Men, of unique patients              | 230
women           | Women, of unique patients            | 139
countries       | Countries                            | 26
jpeg            | JPEG files, frontal                  | 367
png             | PNG files, frontal                   | 171
lung_boxes      | Images with lung boxes               | 167
lung_masks      | Images with a lung mask              | 209
"""

# ---- 2020-03. The abstract states 123 frontal images; patients are not counted.

EARLY_FRONTAL = (123, None)

# PA, AP, AP Supine.
_EARLY_TABLE_1 = """
Viral/COVID-19          | SARSr-CoV-2 or COVID-19 | 76 | 11 | 13
Viral/SARS              | SARSr-CoV-1 or SARS     | 11 | 0 | 0
Bacterial/Streptococcus | Streptococcus spp.      | 6 | 0 | 0
Fungal/Pneumocystis     | Pneumocystis spp.       | 1 | 0 | 0
ARDS                    | ARDS                    | 4 | 0 | 0
"""

# ---- from lines to cells

# What a printed cell can become: one number, or with "6/5" one of yes and one of no, and
# where the row of totals prints one number instead, that of the recorded.
Printed = tuple[PublishedColumn, ...]


def _number(
    name: str, title: str, unit: str, whole: tuple[int | None, int | None] | None = None
) -> Printed:
    return (PublishedColumn(name, title, unit, whole),)


def _yes_no(name: str, title: str, unit: str) -> Printed:
    return tuple(
        PublishedColumn(f"{name}_{answer}", f"{title}, {answer}", unit)
        for answer in ("yes", "no", "recorded")
    )


def _describe_people(unit: str) -> tuple[Printed, ...]:
    """Give the columns of Tables 3 and 4 after the first, which count patients and images."""
    return (
        _number("age_mean", "Age, mean", "years"),
        _yes_no("survival", "Survival", unit),
        _yes_no("went_icu", "Went to the ICU", unit),
        _yes_no("intubated", "Intubated", unit),
        _number("n_covid", "COVID-19", unit),
        _number("n_rt_pcr", "RT-PCR positive", unit),
        _number("male_ratio", "Male, of all", "share"),
    )


def _split_lines(text: str) -> Iterator[list[str]]:
    for line in text.strip().splitlines():
        yield [cell.strip() for cell in line.split("|")]


def _read_cell(text: str, printed: Printed) -> Iterator[tuple[PublishedColumn, str]]:
    """Pair the numbers of a printed cell with their columns."""
    if len(printed) == 1:
        yield printed[0], text
    elif "/" in text:
        yield from zip(printed, text.split("/"), strict=False)
    else:
        yield printed[-1], text


def _read_row(row: str, texts: list[str], columns: tuple[Printed, ...]) -> Iterator[PublishedCell]:
    """Turn a line into cells; the row's own size is what its columns of a whole print."""
    numbers = [
        pair
        for text, printed in zip(texts, columns, strict=True)
        for pair in _read_cell(text, printed)
    ]
    size = {column.name: int(text) for column, text in numbers if column.whole}
    own = (size.get("n_images"), size.get("n_patients"))
    for column, text in numbers:
        n_images, n_patients = column.whole or own
        decimals = len(text.partition(".")[2])
        yield PublishedCell(row, column.name, float(text), decimals, n_images, n_patients)


def _make_table(text: str, columns: tuple[Printed, ...], **about: object) -> PublishedTable:
    lines = list(_split_lines(text))
    return PublishedTable(
        **about,  # type: ignore[arg-type]
        columns=tuple(column for printed in columns for column in printed),
        row_titles=MappingProxyType({row: title for row, title, *_ in lines}),
        cells=tuple(cell for row, _, *texts in lines for cell in _read_row(row, texts, columns)),
    )


_STATE = {
    "reference": "cohen2020b",
    "as_of": "18 September 2020",
    "commit": PAPER_COMMIT,
}
_FRONTAL_USABLE = "frontal X-rays (PA, AP, AP Supine) whose finding is neither todo nor Unknown"
_LABELLED_ONLY = (
    "Yes and no are counted where they are recorded; blank is not no. Who has a recorded "
    "outcome is not a matter of chance."
)
_MALE_NOTE = (
    "The paper divides by all, also by those whose sex is not recorded, so the share of males "
    "among the known is larger."
)

_TABLES = (
    _make_table(
        _TABLE_1,
        (_number("n_images", "Images", "images", (679, None)),),
        name="table-1",
        place="Table 1 (2020-12)",
        title="Pneumonia by type and genus or species",
        by="finding",
        unit="image",
        selection=f"{_FRONTAL_USABLE}, pneumonia only",
        **_STATE,
        notes=(
            "The rows add up to 646 of the 679 frontal images; the others are no pneumonia "
            "(tuberculosis, no finding), or should stand in a row that is too small.",
        ),
        cell_notes={
            ("Bacterial/Streptococcus", "n_images"): (
                "The paper prints 13 where its authors' own notebook, run on the same state of "
                "the collection, prints 18: the printed number never fitted the data."
            ),
        },
        row_notes={
            "Viral/Influenza": "Influenza/H1N1 is counted with influenza.",
            "Bacterial/Staphylococcus": "Recorded as Staphylococcus/MRSA.",
            "Unknown/Unknown": "Recorded as pneumonia, nothing more.",
        },
    ),
    _make_table(
        _TABLE_3,
        (
            _number("n_patients", "Patients", "patients", FRONTAL),
            _number("n_images", "Frontal images", "images", FRONTAL),
            *_describe_people("patients"),
        ),
        name="table-3",
        place="Table 3 (2020-12)",
        title="Patients by sub-region",
        by="sub-region",
        unit="patient",
        selection=_FRONTAL_USABLE,
        **_STATE,
        notes=(
            "One row an id as recorded: the first value of each column that is not blank, over "
            "the frontal images. Some ids are the same person, so there are fewer persons.",
            _LABELLED_ONLY,
            "The paper's caption speaks of images; the numbers are patients.",
            "The paper speaks of 26 countries.",
        ),
        column_notes={
            "male_ratio": _MALE_NOTE,
            "n_rt_pcr": "Nobody is recorded as negative, so no rate can be made of it.",
        },
        row_notes={
            "Latin America and the Caribbean": "The paper shortens the sub-region's name.",
            "Australia and New Zealand": "The paper writes Australia/New Zealand.",
            "Unknown": "The location is blank.",
        },
        cell_notes={
            (TOTALS, "male_ratio"): (
                "The paper's own text (section 3) counts 230 men and 139 women: 230 of 412 is "
                "0.56, not the printed 0.55."
            ),
        },
    ),
    _make_table(
        _TABLE_4,
        (
            _number("n_images", "Images (printed as patients)", "images", (761, None)),
            *_describe_people("images"),
        ),
        name="table-4",
        place="Table 4 (2020-12)",
        title="Images by view",
        by="view",
        unit="image",
        selection="X-rays (PA, AP, AP Supine, L) whose finding is neither todo nor Unknown",
        **_STATE,
        notes=(
            "The paper's column is headed patients, but it counts images (326 + 192 + 161 are "
            "its 679 frontal images), and so do all other numbers: patients with many images "
            "weigh more, in the mean age too.",
            _LABELLED_ONLY,
        ),
        column_notes={
            "n_images": "Headed patients in the paper; these are images.",
            "male_ratio": _MALE_NOTE,
            "n_rt_pcr": "No image is recorded as negative, so no rate can be made of it.",
        },
    ),
    _make_table(
        _TABLE_7,
        (
            _number("n_pa_ap", "PA or AP", "images", (188, None)),
            _number("n_ap_supine", "AP Supine", "images", (88, None)),
            _number("n_lateral", "Lateral", "images", (3, None)),
        ),
        name="table-7",
        place="Table 7 (2020-12)",
        title="Images by article and view",
        by="source",
        unit="image",
        selection="X-rays (PA, AP, AP Supine, L) of the table's articles, whatever the finding",
        **_STATE,
        notes=(
            "Unlike the other tables this one seems to count images whatever their finding: "
            "the 48 of Winther et al. in PA are reached only with eleven whose finding is todo.",
            "Articles with a DOI only; images of websites without one are not in the table.",
        ),
        row_notes={
            "10.2214/ajr.20.23034": "Printed twice, with one image each; added up here.",
            "10.11909/j.issn.1671-5411.2020.04.005": (
                "The reference has no DOI; this is the collection's, which writes it with -0 at "
                "the end for one more image."
            ),
            "10.4103/1817-1737.69106": "The reference has no DOI; this is the collection's.",
        },
        cell_notes={
            ("10.6084/m9.figshare.12275009", "n_ap_supine"): (
                "The collection's last state has 116, of which 72 have the finding todo or Unknown."
            ),
            ("10.4269/ajtmh.20-0203", "n_pa_ap"): (
                "One of the three images is recorded as AP Supine in the collection's last state."
            ),
            ("10.4269/ajtmh.20-0203", "n_ap_supine"): (
                "Printed among PA and AP; recorded as AP Supine in the collection's last state."
            ),
        },
    ),
    _make_table(
        _TEXT,
        (_number("n", "Number", "count", FRONTAL),),
        name="text",
        place="Text (2020-12, sections 1, 3 and 6, appendix A)",
        title="The collection as a whole",
        by="",
        unit="patient",
        selection="X-rays (PA, AP, AP Supine, L) whose finding is neither todo nor Unknown",
        **_STATE,
        row_notes={
            "countries": (
                "Counted from the locations, Hong Kong and Taiwan each for itself. The seven "
                "sub-regions of Table 3 that have not changed since hold 23 countries, and five "
                "more sub-regions are not empty: the 26 seem to be of an earlier state."
            ),
            "jpeg": (
                "367 and 171 are 538, not 679: the paper counted files of another state, or not "
                "all. By the file's name; some names lie about the format."
            ),
            "png": "By the file's name; some names lie about the format.",
            "men": "Patients whose sex is not recorded are in neither number.",
            "women": "Patients whose sex is not recorded are in neither number.",
        },
    ),
    _make_table(
        _EARLY_TABLE_1,
        (
            _number("n_pa", "PA", "images", EARLY_FRONTAL),
            _number("n_ap", "AP", "images", EARLY_FRONTAL),
            _number("n_ap_supine", "AP Supine", "images", EARLY_FRONTAL),
        ),
        name="early-table-1",
        reference="cohen2020",
        place="Table 1 (2020-03)",
        title="Images by finding and view",
        by="finding-view",
        unit="image",
        selection=_FRONTAL_USABLE,
        as_of="25 March 2020",
        commit=None,
        notes=(
            "The rows add up to 122 images; the abstract says 123.",
            "A state half a year older than that of the other tables: nearly every number comes "
            "from a different cohort.",
        ),
        row_notes={
            "Viral/SARS": (
                "Eleven images of Paul et al. in March, all PA. In the collection's last state "
                "eight of them are AP, and five of another article have come."
            ),
            "ARDS": (
                "The collection no longer uses this finding, which names a syndrome and not its "
                "cause."
            ),
        },
    ),
)

PUBLISHED: Mapping[str, PublishedTable] = MappingProxyType({table.name: table for table in _TABLES})
"""The papers' tables by name, in the papers' order."""


def find_table(name: str) -> PublishedTable:
    """Find a published table by its name.

    Raises
    ------
    SelectionError
        If there is no such table.

    Examples
    --------
    >>> find_table("table-3").place
    'Table 3 (2020-12)'
    """
    if name not in PUBLISHED:
        raise SelectionError(
            f"No published table is called {name!r}. There are {', '.join(PUBLISHED)}."
        )
    return PUBLISHED[name]
