"""The dashboard's entry point: ``streamlit run app.py``.

The main script is ``ui/router.py``, so that no ``pages/`` folder lies beside it: Streamlit
would otherwise serve a deep link without the frame that carries the notice.
"""

import streamlit as st

app = st.App("ui/router.py")
