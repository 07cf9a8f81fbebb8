// Tell the server which range of the map the reader has zoomed or moved to.
// Wheel and drag send many ranges: the last of a quarter of a second counts.
let page, observer, timer;

const send = chart => {
  const {xaxis, yaxis} = chart.layout;
  const whole = xaxis.autorange === true || yaxis.autorange === true;
  const range = whole ? null : [...xaxis.range, ...yaxis.range];
  page.setStateValue('view', {map: page.data.map, range});
};

const listen = () => {
  const chart = document.querySelector(`.st-key-${page.data.chart} .js-plotly-plot`);
  if (!chart || !chart.on || chart.dataset.listened) return;
  chart.dataset.listened = 'yes';
  chart.on('plotly_relayout', change => {
    if (!Object.keys(change).some(name => /^[xy]axis[.]/.test(name))) return;
    clearTimeout(timer);
    timer = setTimeout(() => send(chart), 250);
  });
};

export default function (component) {
  page = component;
  // Each redraw puts a new chart in the place of the old.
  observer?.disconnect();
  observer = new MutationObserver(listen);
  observer.observe(document.body, {childList: true, subtree: true});
  listen();
  return () => observer.disconnect();
}
