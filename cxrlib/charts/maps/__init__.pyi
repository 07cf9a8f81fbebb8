from .faithfulness import (
    explain_path_share as explain_path_share,
    explain_steps as explain_steps,
    plot_path_share as plot_path_share,
    plot_steps as plot_steps,
)
from .html_page import (
    FONT as FONT,
    MAP_QUESTION as MAP_QUESTION,
    POLICY as POLICY,
    format_table_cells as format_table_cells,
    frame_table as frame_table,
    map_html as map_html,
)
from .layers import add_reference as add_reference, ring_chosen as ring_chosen
from .map import plot_map as plot_map
from .map_text import (
    caption_map as caption_map,
    day_state_words as day_state_words,
    describe_map as describe_map,
    describe_out as describe_out,
)
from .marks import HOVER_COLUMN as HOVER_COLUMN, format_hover_texts as format_hover_texts
from .small_multiples import (
    MAX_PANELS as MAX_PANELS,
    describe_multiples as describe_multiples,
    plot_multiples as plot_multiples,
)
from .uploaded import mark_upload as mark_upload
