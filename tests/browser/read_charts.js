// How much each chart on the page shows.
() => [...document.querySelectorAll('.js-plotly-plot')].map(plot => ({
  traces: (plot._fullData || []).filter(trace => trace.visible === true).length,
  points: (plot._fullData || []).reduce((sum, trace) => sum + ((trace.x && trace.x.length) || 0), 0),
  // A chart that has nothing to draw says why, in words.
  words: ((plot._fullLayout || {}).annotations || []).filter(note => /nothing to draw|not estimable/i.test(note.text)).length,
  height: plot.getBoundingClientRect().height,
}))
