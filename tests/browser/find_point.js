// Where the first point of the map stands in the window.
() => {
  const plot = document.querySelector('.js-plotly-plot');
  const trace = plot._fullData.find(t => t.type === 'scattergl' && t.visible === true);
  const layout = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  return {
    x: box.left + layout._size.l + layout.xaxis.d2p(trace.x[0]),
    y: box.top + layout._size.t + layout.yaxis.d2p(trace.y[0]),
  };
}
