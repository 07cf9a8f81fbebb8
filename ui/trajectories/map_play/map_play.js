// Show the paths on the map up to a day: play, pause, step, scrub. Nothing is sent to the server.
//
// Traces say by their `meta` what they are: parts of a path carry the day of each of their
// points, rising, so that a path up to a day is the beginning of each part. Streamlit's copy of
// Plotly cannot be reached; the package's own, of the same major version, changes the chart.

const PACES = [['slow', 1600], ['normal', 800], ['fast', 350]]; // milliseconds a day
const FADED = 0.4; // opacity of the other images while a path is shown up to a day
const SVG = 'http://www.w3.org/2000/svg';
const ICONS = {
  play: 'M5 3v10l8-5z',
  pause: 'M4.5 3h2.5v10H4.5zM9 3h2.5v10H9z',
  back: 'M10 3 5 8l5 5z',
  next: 'M6 3l5 5-5 5z',
};

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const icon = name => {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  for (const [key, value] of Object.entries({viewBox: '0 0 16 16', 'aria-hidden': 'true'})) {
    svg.setAttribute(key, value);
  }
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
};

let code;
const loadPlotly = url => (code ??= window.Plotly?.update
  ? Promise.resolve(window.Plotly)
  : new Promise((resolve, reject) => {
    const script = make('script', {src: url});
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      code = undefined;
      script.remove();
      reject(new Error('The chart code could not be loaded. Is the server still running?'));
    };
    document.head.append(script);
  }));

// ---- the chart

// What a drawn chart has of paths and other images, as it came from the server. Where Streamlit
// drew it again from data that were shortened here, it is what was read `before`.
const readChart = (chart, before) => {
  const parts = [], images = [];
  chart.data.forEach((trace, index) => {
    if (trace.meta?.role === 'path') {
      const {days} = trace.meta;
      let {x, y} = chart._fullData[index];
      const same = before?.parts.find(each => each.index === index);
      if (x?.length !== days.length && same?.days.length === days.length) ({x, y} = same);
      parts.push({index, days, x: [...x ?? []], y: [...y ?? []]});
    } else if (trace.meta?.role === 'images') {
      const {marker, selected, unselected} = chart._fullData[index];
      images.push({
        index,
        marker: marker?.opacity ?? 1,
        selected: selected?.marker?.opacity ?? 1,
        unselected: unselected?.marker?.opacity ?? 1,
      });
    }
  });
  const labels = [];
  (chart.layout.annotations ?? []).forEach((note, index) => {
    const found = /^day (-?[\d.e+-]+)$/.exec(note.name ?? '');
    if (found) labels.push({index, day: Number(found[1])});
  });
  return {parts, images: before?.isFaded ? before.images : images, labels, data: chart.data};
};

const cut = (values, n) => (n ? values.slice(0, n) : [null]); // an empty trace leaves the key

// Change a chart to show the paths up to a day; null shows them whole.
const changes = ({parts, labels}, day) => {
  const counts = parts.map(({days}) => (
    day === null ? days.length : days.filter(each => each !== null && each <= day).length
  ));
  const data = {
    x: parts.map(({x}, i) => cut(x, counts[i])),
    y: parts.map(({y}, i) => cut(y, counts[i])),
  };
  const layout = {};
  for (const label of labels) {
    layout[`annotations[${label.index}].visible`] = day === null || label.day <= day;
  }
  return [data, layout, parts.map(({index}) => index)];
};

const fades = ({images}, isFaded) => [
  {
    'marker.opacity': images.map(each => (isFaded ? FADED : each.marker)),
    'selected.marker.opacity': images.map(each => (isFaded ? FADED : each.selected)),
    'unselected.marker.opacity': images.map(each => (isFaded ? FADED : each.unselected)),
  },
  images.map(({index}) => index),
];

// ---- the player

class Player {
  constructor(root) {
    this.read = new WeakMap(); // chart -> what it had
    this.at = null; // number of the day shown; null for the whole paths
    this.bar = make('div', {class: 'cxr-play', role: 'group', 'aria-label': 'Paths day by day'});
    this.build();
    root.append(this.bar);
    this.watch = new MutationObserver(() => this.refresh());
    this.watch.observe(document.body, {childList: true, subtree: true});
    this.onKey = event => this.pressAnywhere(event);
    this.onStill = () => this.write();
    document.addEventListener('keydown', this.onKey);
    stillness.addEventListener('change', this.onStill);
  }

  build() {
    const button = (name, title, act) => {
      const element = make('button', {type: 'button', title, 'aria-label': title}, icon(name));
      element.onclick = act;
      return element;
    };
    this.playing = button('play', 'Play', () => this.toggle());
    this.back = button('back', 'Previous day (,)', () => this.step(-1));
    this.next = button('next', 'Next day (.)', () => this.step(1));
    this.scrubber = make('input', {type: 'range', min: 0, step: 1, 'aria-label': 'Day'});
    this.scrubber.oninput = () => {
      const at = Number(this.scrubber.value); // before what is written moves it
      this.pause();
      this.go(at);
    };
    this.scrubber.onkeydown = event => {
      if (event.key !== ' ') return;
      event.preventDefault();
      this.toggle();
    };
    this.pace = make('select', {'aria-label': 'Speed', title: 'Speed'});
    for (const [name, wait] of PACES) {
      this.pace.append(make('option', {value: wait}, name));
    }
    this.pace.value = PACES[1][1];
    this.whole = make('button', {type: 'button', class: 'whole'}, 'Show all days');
    this.whole.onclick = () => {
      this.pause();
      this.go(null);
    };
    this.day = make('span', {class: 'day'});
    this.words = make('span', {class: 'words', role: 'status'});
    const line = make('div', {class: 'line'});
    line.append(this.playing, this.back, this.scrubber, this.next, this.day, this.pace, this.whole);
    this.bar.append(line, this.words);
  }

  show(data) {
    const days = JSON.stringify(data.days);
    if (days !== this.known) { // other patients: the chart came anew and whole
      this.pause();
      this.at = null;
      this.known = days;
    }
    this.data = data;
    this.scrubber.max = data.days.length - 1;
    this.write();
    this.refresh();
  }

  get last() {
    return this.data.days.length - 1;
  }

  // ---- what the reader does

  toggle() {
    if (this.timer) this.pause();
    else if (!stillness.matches) this.play();
  }

  play() {
    const start = this.at === null || this.at === this.last ? 0 : this.at + 1;
    this.timer = true;
    this.go(start).then(() => this.wait());
  }

  // The next day comes when the last is drawn, however long that takes.
  wait() {
    if (!this.timer) return;
    if (this.at === null || this.at >= this.last || stillness.matches) {
      this.pause();
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => this.go(this.at + 1).then(() => this.wait()), Number(this.pace.value),
    );
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.data) this.write();
  }

  step(by) {
    this.pause();
    const from = this.at ?? (by > 0 ? -1 : this.data.days.length);
    this.go(Math.min(this.last, Math.max(0, from + by)));
  }

  pressAnywhere(event) {
    const {key, target} = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !this.data) return;
    const inner = event.composedPath()[0] ?? target;
    const isWriting = inner.isContentEditable
      || (/^(INPUT|TEXTAREA|SELECT)$/.test(inner.tagName) && inner !== this.scrubber);
    if (isWriting || ![',', '.'].includes(key)) return;
    event.preventDefault();
    this.step(key === '.' ? 1 : -1);
  }

  // ---- what is shown

  async go(at) {
    this.at = at;
    this.write();
    try {
      await this.draw();
    } catch (error) {
      this.pause();
      this.words.textContent = error.message;
    }
  }

  // One drawing at a time; the last day asked for is the one that stands.
  async draw() {
    if (this.drawing) {
      this.isStale = true;
      return this.drawing;
    }
    this.drawing = this.drawNow();
    try {
      await this.drawing;
    } finally {
      this.drawing = undefined;
    }
    if (!this.isStale) {
      this.refresh(); // another chart may have come meanwhile
      return undefined;
    }
    this.isStale = false;
    return this.draw();
  }

  // The chart on the page, and whether it is drawn.
  find() {
    const chart = document.querySelector(`.st-key-${CSS.escape(this.data.chart)} .js-plotly-plot`);
    return {chart, isReady: Boolean(chart?._fullData?.length && chart.calcdata)};
  }

  async drawNow() {
    const Plotly = await loadPlotly(this.data.plotly);
    const {chart, isReady} = this.find();
    if (!isReady) return;
    const before = this.read.get(chart);
    if (before?.data !== chart.data) {
      if (this.at === null && !before) return;
      this.read.set(chart, {...readChart(chart, before), isFaded: false});
    }
    const known = this.read.get(chart);
    const isFaded = this.at !== null;
    if (isFaded !== known.isFaded && known.images.length) {
      await Plotly.restyle(chart, ...fades(known, isFaded));
    }
    known.isFaded = isFaded;
    const day = this.at === null ? null : this.data.days[this.at].day;
    if (known.parts.length) await Plotly.update(chart, ...changes(known, day));
    known.data = chart.data; // whatever Plotly made of it
  }

  // A redraw by the server puts a new chart in the place of the old: show the same day on it.
  refresh() {
    clearTimeout(this.later);
    if (this.at === null || this.drawing || !this.data) return;
    const {chart, isReady} = this.find();
    if (!isReady) {
      this.later = setTimeout(() => this.refresh(), 250);
    } else if (this.read.get(chart)?.data !== chart.data) {
      this.go(this.at);
    }
  }

  write() {
    const {days} = this.data, at = this.at, isPlaying = Boolean(this.timer);
    const shown = at ?? this.last;
    const title = isPlaying ? 'Pause' : 'Play';
    this.playing.hidden = this.pace.hidden = stillness.matches;
    if (this.playing.title !== title) {
      this.playing.title = title;
      this.playing.setAttribute('aria-label', title);
      this.playing.replaceChildren(icon(isPlaying ? 'pause' : 'play'));
    }
    this.scrubber.value = shown;
    this.scrubber.setAttribute('aria-valuetext', at === null ? 'all days' : days[shown].name);
    this.back.disabled = at === 0;
    this.next.disabled = at === this.last;
    this.whole.disabled = at === null;
    this.day.textContent = at === null ? 'all days' : days[at].name;
    this.words.setAttribute('aria-live', isPlaying ? 'off' : 'polite');
    this.words.textContent = at === null
      ? `${days.length} recorded days, ${days[0].name} to ${days[this.last].name}. Day 0 is onset `
        + 'or admission, depending on the patient.'
      : `${at + 1} of ${days.length} recorded days: ${days[at].words}`;
  }

  remove() {
    this.pause();
    this.at = null;
    clearTimeout(this.later);
    this.watch.disconnect();
    document.removeEventListener('keydown', this.onKey);
    stillness.removeEventListener('change', this.onStill);
    this.bar.remove();
  }
}

const players = new WeakMap();

export default function (component) {
  const {data, parentElement} = component;
  if (!players.has(parentElement)) players.set(parentElement, new Player(parentElement));
  const player = players.get(parentElement);
  player.show(data);
  return () => {
    player.remove();
    players.delete(parentElement);
  };
}
