// Where an image of the map stands in the window: one with no other point close by.
() => {
  const plot = document.querySelector('.js-plotly-plot');
  const layout = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const points = plot._fullData
    .filter(trace => trace.visible === true && trace.customdata)
    .flatMap(trace => Array.from(trace.x, (x, i) => ({
      x: box.left + layout._size.l + layout.xaxis.d2p(x),
      y: box.top + layout._size.t + layout.yaxis.d2p(trace.y[i]),
    })));
  const room = p => Math.min(...points.filter(q => q !== p).map(q => Math.hypot(p.x - q.x, p.y - q.y)));
  return points
    .filter(p => p.y < window.innerHeight - 20)
    .reduce((best, p) => (room(p) > room(best) ? p : best));
}
