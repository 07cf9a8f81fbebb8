// Save a chart as it is seen: the server draws it for paper and puts its words below it; this
// puts the reader's zoom, hidden series and day in, lets Plotly write it, and hands it to the browser.
// What was asked for outlives the buttons: a menu that is shut is taken off the page.
const asked = new Set(); // ids of requests
const PATIENCE = 30_000; // milliseconds

let code;
const loadPlotly = url => (code ??= new Promise((resolve, reject) => {
  const script = document.createElement('script');
  script.src = url;
  script.onload = () => resolve(window.Plotly);
  script.onerror = () => {
    code = undefined;
    script.remove();
    reject(new Error('the chart code could not be loaded'));
  };
  document.head.append(script);
}));

const findChart = name => document.querySelector(`.st-key-${CSS.escape(name)} .js-plotly-plot`);

// Ranges and hidden series of the chart on screen, put into the one for paper.
const takeView = (figure, chart) => {
  for (const [name, axis] of Object.entries(chart._fullLayout)) {
    if (!/^[xy]axis\d*$/.test(name) || !Array.isArray(axis.range) || axis.matches) continue;
    figure.layout[name] = {...figure.layout[name], range: [...axis.range], autorange: false};
  }
  if (chart.data.length === figure.data.length) {
    figure.data.forEach((trace, i) => {
      if (chart.data[i].visible !== undefined) trace.visible = chart.data[i].visible;
      // Paths that are shown up to a day (ui/trajectories/map_play) are saved up to it.
      if (trace.meta?.role === 'path') Object.assign(trace, {x: chart.data[i].x, y: chart.data[i].y});
    });
    const hidden = (chart.layout.annotations ?? []).filter(note => note.visible === false);
    for (const note of figure.layout.annotations ?? []) {
      const isSame = other => ['name', 'x', 'y'].every(key => other[key] === note[key]);
      if (hidden.some(isSame)) note.visible = false;
    }
  }
  return figure;
};

const nameSvg = (text, title, description) => {
  const svg = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  const write = (tag, words) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    element.textContent = words;
    return element;
  };
  svg.setAttribute('role', 'img');
  svg.prepend(write('title', title), write('desc', description));
  return new XMLSerializer().serializeToString(svg);
};

const download = (blob, name) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

const save = async ({reply, chart: name, plotly}) => {
  const chart = findChart(name);
  if (!chart?._fullLayout) throw new Error('the figure is no longer on the page');
  const Plotly = await loadPlotly(plotly);
  const {data, layout} = takeView(JSON.parse(reply.figure), chart);
  const {width, height} = layout;
  const wish = {format: reply.kind, width, height, scale: reply.scale};
  const address = await Plotly.toImage({data, layout}, wish);
  let blob = await (await fetch(address)).blob();
  if (reply.kind === 'svg') {
    const text = nameSvg(await blob.text(), reply.title, reply.description);
    blob = new Blob([text], {type: 'image/svg+xml'});
  }
  download(blob, reply.file);
};

export default function (component) {
  const {parentElement: root, data, setTriggerValue} = component;
  const status = root.querySelector('[role=status]');
  for (const button of root.querySelectorAll('button')) {
    button.onclick = () => {
      const chart = findChart(data.chart);
      if (!chart?._fullLayout) {
        status.textContent = 'The figure is not drawn yet.';
        return;
      }
      const id = `${Date.now()}-${Math.random()}`;
      asked.add(id);
      status.textContent = 'Drawing…';
      const {width, height} = chart._fullLayout;
      setTriggerValue('asked', {id, kind: button.value, width, height});
      setTimeout(() => {
        if (asked.delete(id)) status.textContent = 'The server did not answer. Try again.';
      }, PATIENCE);
    };
  }
  if (!asked.delete(data.reply?.id)) return;
  save(data).then(
    () => { status.textContent = `Saved as ${data.reply.file}.`; },
    error => { status.textContent = `Not saved: ${error.message}.`; },
  );
}
