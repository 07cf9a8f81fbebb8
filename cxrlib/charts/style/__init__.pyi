from .colour_scale import (
    BOX_HEIGHT as BOX_HEIGHT,
    LINE as LINE,
    draw_colour_scale as draw_colour_scale,
    label_colour_scale as label_colour_scale,
)
from .day_marks import (
    draw_cuts as draw_cuts,
    draw_key_mark as draw_key_mark,
    find_symbol as find_symbol,
    make_key as make_key,
    style_marks as style_marks,
    thin_ticks as thin_ticks,
)
from .labels import place_labels as place_labels
from .palette import (
    PALETTES as PALETTES,
    REGIONS as REGIONS,
    STATES as STATES,
    VIEW_SYMBOLS as VIEW_SYMBOLS,
    Palette as Palette,
    Theme as Theme,
    contrast as contrast,
    fade as fade,
    mix as mix,
    outline as outline,
    region_rim as region_rim,
)
from .paper import (
    Imprint as Imprint,
    keep_printable as keep_printable,
    put_on_paper as put_on_paper,
)
from .projector_scale import enlarge as enlarge
from .reasons import (
    lift_reasons as lift_reasons,
    note_reasons as note_reasons,
    read_reasons as read_reasons,
)
from .rendering import (
    FIGURE_KINDS as FIGURE_KINDS,
    PNG_SCALE as PNG_SCALE,
    find_chrome as find_chrome,
    render_figure as render_figure,
)
from .rows import (
    STILL as STILL,
    add_heading as add_heading,
    add_notes as add_notes,
    join_words as join_words,
    label_rows as label_rows,
    note_empty as note_empty,
    pale_marker as pale_marker,
    quote_text as quote_text,
    read_click as read_click,
    start_rows as start_rows,
    text_width as text_width,
)
from .template import (
    FONT as FONT,
    MARGIN as MARGIN,
    SILENT as SILENT,
    TEXT_SIZE as TEXT_SIZE,
    Parts as Parts,
    chart_template as chart_template,
    make_empty as make_empty,
    make_figure as make_figure,
    make_note as make_note,
    make_trace as make_trace,
    template_layout as template_layout,
    use_webgl as use_webgl,
)
from .text import format_day as format_day, format_state as format_state, safe_text as safe_text
