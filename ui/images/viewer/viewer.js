// One X-ray or two on black: zoom, windowing, overlays, by mouse, touch and keyboard.
// Nothing is sent to the server. Text from files is set as text, never as HTML.

const MAX_ZOOM = 12; // times the size at which the whole picture is seen
const WHEEL = 0.0018; // zoom per pixel of a wheel: a notch of 100 pixels is 1.2 times
const PINCH = 0.01; // the same for a trackpad's pinch, which comes as a wheel with Ctrl
const STEP = 5; // of brightness and contrast, per key
const PAN = 40; // pixels per arrow key
const WINDOWING = 0.4; // brightness and contrast per pixel dragged
const SVG = 'http://www.w3.org/2000/svg';

const limit = (value, low, high) => Math.min(high, Math.max(low, value));
const freshView = () => ({zoom: 1, x: 0.5, y: 0.5}); // what is in the middle, in fractions
const freshLook = () => ({brightness: 0, contrast: 0, inverted: false}); // -100 to 100

// ---- elements

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const draw = (tag, attributes) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

const ICONS = {
  out: 'M3 8h10',
  in: 'M3 8h10M8 3v10',
  invert: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11',
  reset: 'M3.2 6.2A5.2 5.2 0 1 1 2.8 9M3 2.8v3.6h3.6',
  full: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  link: 'M6.5 4.5h-2a3.5 3.5 0 0 0 0 7h2M9.5 4.5h2a3.5 3.5 0 0 1 0 7h-2M5.5 8h5',
};

const icon = name => {
  const svg = draw('svg', {viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true'});
  const path = draw('path', {d: ICONS[name]});
  if (name === 'invert') {
    const half = draw('path', {d: 'M8 2.5a5.5 5.5 0 1 0 0 11z', class: 'filled'});
    svg.append(half);
  }
  svg.append(path);
  return svg;
};

// ---- words of the server

// An <img> does not say why it failed: ask again, for the sentence that came instead.
const askWhy = async url => {
  let answer;
  try {
    answer = await fetch(url, {credentials: 'same-origin'});
  } catch {
    return 'The server did not answer. It may have been stopped.';
  }
  const kind = answer.headers.get('Content-Type') || '';
  const text = kind.startsWith('text/plain') ? (await answer.text()).trim() : '';
  if (text && answer.status !== 500) return text.slice(0, 300);
  if (answer.ok) return 'This browser cannot show the image.';
  return `The server reported an error (${answer.status}).`;
};

// ---- zoom and place

// No further than zooming at a point of the picture leads: its edges stay where they are when
// the whole is seen, or beyond. This holds for any ground, so two pictures can share a view.
const settle = ({zoom, x, y}) => {
  const reach = 0.5 - 0.5 / zoom;
  return {zoom, x: limit(x, 0.5 - reach, 0.5 + reach), y: limit(y, 0.5 - reach, 0.5 + reach)};
};

// ---- brightness and contrast

// A window (level and width, as radiologists have it) is a line: out = slope * in + shift.
// CSS has no such filter, but brightness() and contrast() make one. In this order nothing is
// cut off between the two: the first can only cut what the second would cut as well.
export const filterOf = ({brightness, contrast, inverted}) => {
  const slope = 2 ** (contrast / 50); // a quarter to four times
  const shift = 0.5 - slope * (0.5 - brightness / 200);
  const steps = [];
  if (shift <= 0) {
    const second = 1 - 2 * shift;
    steps.push(`brightness(${slope / second})`, `contrast(${second})`);
  } else {
    const second = slope + 2 * shift;
    steps.push(`contrast(${slope / second})`, `brightness(${second})`);
  }
  if (inverted) steps.push('invert(1)');
  return brightness || contrast || inverted ? steps.join(' ') : 'none';
};

// ---- one picture on its black ground

class Stage {
  constructor(viewer, index) {
    this.viewer = viewer;
    this.index = index;
    this.image = make('img', {class: 'picture', draggable: 'false', decoding: 'async'});
    this.film = make('div', {class: 'film'}, this.image);
    this.mask = make('img', {class: 'mask', alt: '', draggable: 'false', hidden: ''});
    this.boxes = draw('svg', {class: 'boxes', 'aria-hidden': 'true'});
    this.words = make('div', {class: 'words', role: 'status'});
    this.hint = make('div', {class: 'hint', 'aria-hidden': 'true'});
    this.element = make(
      'div', {class: 'stage', tabindex: '0', role: 'application'},
      this.film, this.mask, this.boxes, this.words, this.hint,
    );
    this.caption = make('figcaption');
    this.frame = make('figure', {}, this.element, this.caption);
    this.pointers = new Map();
    this.listen();
  }

  // -- what is shown

  show(picture, count) {
    const same = this.picture && this.picture.name === picture.name;
    const again = same && (this.ready || this.picture.url === picture.url);
    const sameMask = this.picture && this.picture.mask === picture.mask && same;
    this.picture = picture;
    this.image.alt = picture.alt;
    const which = count > 1 ? `Image ${this.index + 1} of ${count}` : 'Image';
    this.element.setAttribute('aria-label', `${which}, move and zoom with keys: ${picture.alt}`);
    this.element.setAttribute('aria-roledescription', 'image viewer');
    this.caption.textContent = picture.caption || picture.alt;
    this.caption.classList.toggle('spare', !picture.caption);
    this.makeBoxes();
    if (!sameMask && !(same && this.maskReady)) {
      this.maskReady = false;
      this.mask.removeAttribute('src');
    }
    if (!again) this.load();
  }

  load() {
    const {url, preview, width, height} = this.picture;
    this.ready = false;
    this.size = width && height ? [width, height] : null;
    this.image.style.backgroundImage = preview ? `url(${JSON.stringify(preview)})` : 'none';
    this.say(preview && this.size ? '' : 'Loading the image');
    this.image.onload = () => {
      this.ready = true;
      this.size = [this.image.naturalWidth, this.image.naturalHeight];
      this.image.style.backgroundImage = 'none';
      this.say('');
      this.viewer.redraw();
    };
    this.image.onerror = () => this.explain(url);
    this.image.src = url;
  }

  async explain(url) {
    const why = await askWhy(url);
    if (this.picture.url !== url || this.ready) return;
    this.size = null;
    this.image.style.backgroundImage = 'none';
    const retry = make('button', {type: 'button'}, 'Try again');
    retry.addEventListener('click', () => this.load());
    this.say('The image cannot be shown. ' + why, retry);
    this.viewer.redraw();
  }

  say(text, ...more) {
    this.words.replaceChildren(...(text ? [make('span', {}, text), ...more] : []));
    this.words.hidden = !text;
  }

  // Words that come and go: how to use the wheel, a mask that is not there.
  suggest(text, seconds) {
    this.hint.textContent = text;
    this.hint.classList.add('shown');
    clearTimeout(this.hintTimer);
    this.hintTimer = setTimeout(() => this.hint.classList.remove('shown'), 1000 * seconds);
  }

  makeBoxes() {
    this.marks = this.picture.boxes.map(({label, place}) => {
      const under = draw('rect', {class: 'under'});
      const line = draw('rect', {class: 'line'});
      const text = draw('text', {});
      text.textContent = label;
      return {place, under, line, text};
    });
    this.boxes.replaceChildren(...this.marks.flatMap(m => [m.under, m.line, m.text]));
  }

  // -- where it is

  get view() { return this.viewer.state.views[this.index]; }
  get look() { return this.viewer.state.looks[this.index]; }

  // Width and height of the ground, and of the picture at a zoom, in pixels of the screen.
  measure(zoom = this.view.zoom) {
    const ground = [this.element.clientWidth, this.element.clientHeight];
    const [width, height] = this.size || ground;
    const scale = zoom * Math.min(ground[0] / width, ground[1] / height);
    return {ground, shown: [width * scale, height * scale], scale};
  }

  place() {
    const {x, y} = this.view;
    const {ground, shown, scale} = this.measure();
    const left = ground[0] / 2 - x * shown[0];
    const top = ground[1] / 2 - y * shown[1];
    return {left, top, shown, scale};
  }

  redraw() {
    const {left, top, shown, scale} = this.place();
    const [width, height] = this.size || [0, 0];
    for (const layer of [this.image, this.mask]) {
      layer.style.width = `${width}px`;
      layer.style.height = `${height}px`;
      layer.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    }
    this.film.style.filter = filterOf(this.look);
    // At the whole picture one finger scrolls the page; closer, it moves the picture.
    this.element.style.touchAction = this.view.zoom > 1 ? 'none' : 'pan-y';
    this.element.classList.toggle('closer', this.view.zoom > 1);
    this.redrawOverlays(left, top, shown);
  }

  redrawOverlays(left, top, shown) {
    const {boxes, mask} = this.viewer.overlays;
    this.boxes.style.display = boxes && this.size ? '' : 'none';
    for (const {place, under, line, text} of this.marks) {
      const [x, y, width, height] = place.map((side, i) => side * shown[i % 2]);
      for (const rect of [under, line]) {
        rect.setAttribute('x', left + x);
        rect.setAttribute('y', top + y);
        rect.setAttribute('width', width);
        rect.setAttribute('height', height);
      }
      text.setAttribute('x', left + x + 6);
      text.setAttribute('y', top + y + 16);
    }
    if (mask && this.picture.mask && !this.mask.hasAttribute('src')) this.loadMask();
    this.mask.hidden = !(mask && this.size && this.maskReady);
  }

  loadMask() {
    this.mask.onload = () => {
      this.maskReady = true;
      this.viewer.redraw();
    };
    const url = this.picture.mask;
    this.mask.onerror = async () => {
      const words = 'The lung mask cannot be shown. ' + await askWhy(url);
      this.suggest(words, 6);
      this.viewer.announce(words);
    };
    this.mask.src = url;
  }

  // -- what the reader does with it

  zoomBy(factor, at = null) {
    const before = this.view;
    const zoom = limit(before.zoom * factor, 1, MAX_ZOOM);
    const {ground, shown: old} = this.measure(before.zoom);
    const {shown} = this.measure(zoom);
    const from = at || [ground[0] / 2, ground[1] / 2];
    // What is under the pointer stays there.
    const follow = (centre, i) => {
      const off = from[i] - ground[i] / 2;
      return centre + off / old[i] - off / shown[i];
    };
    this.viewer.setView(this, {zoom, x: follow(before.x, 0), y: follow(before.y, 1)});
  }

  moveBy(dx, dy) {
    const {zoom, x, y} = this.view;
    const {shown} = this.measure();
    this.viewer.setView(this, {zoom, x: x - dx / shown[0], y: y - dy / shown[1]});
  }

  windowBy(contrast, brightness) {
    const look = this.look;
    this.viewer.setLook(this, {
      ...look,
      contrast: limit(look.contrast + contrast, -100, 100),
      brightness: limit(look.brightness + brightness, -100, 100),
    });
  }

  // -- mouse, touch, keys

  listen() {
    const on = (name, what, options) => this.element.addEventListener(name, what, options);
    on('pointerdown', event => this.press(event));
    on('pointermove', event => this.drag(event));
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
      on(name, event => this.pointers.delete(event.pointerId));
    }
    on('wheel', event => this.wheel(event), {passive: false});
    on('dblclick', event => {
      if (!event.target.closest('button')) this.viewer.reset();
    });
    on('contextmenu', event => event.preventDefault()); // the right button sets the window
    on('keydown', event => this.viewer.press(event, this));
    on('focus', () => this.viewer.choose(this.index));
  }

  where(event) {
    const ground = this.element.getBoundingClientRect();
    return [event.clientX - ground.left, event.clientY - ground.top];
  }

  press(event) {
    if (event.target.closest('button') || event.button === 1) return;
    this.viewer.choose(this.index);
    // A picture that is only touched on the way down the page must not take the focus.
    if (event.pointerType === 'mouse') this.element.focus({preventScroll: true});
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.where(event));
    if (event.pointerType === 'mouse') event.preventDefault();
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.where(event);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    this.pointers.set(event.pointerId, now);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    if (others.length) this.pinch(before, now, others[0][1]);
    else if (event.buttons & 2 || event.shiftKey) this.windowBy(dx * WINDOWING, -dy * WINDOWING);
    else this.moveBy(dx, dy);
  }

  pinch(before, now, other) {
    const distance = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
    this.zoomBy(distance(now) / distance(before), [0, 1].map(i => (now[i] + other[i]) / 2));
    this.moveBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  // The wheel belongs to the page until the picture was clicked or Ctrl is held.
  wheel(event) {
    const held = event.ctrlKey || event.metaKey;
    if (!held && !this.viewer.ownsWheel()) {
      this.viewer.teachWheel(this);
      return;
    }
    event.preventDefault();
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    const size = limit(pixels * (event.ctrlKey ? PINCH : WHEEL), -0.22, 0.22);
    this.zoomBy(Math.exp(-size), this.where(event));
  }
}

// ---- the viewer around one or two of them

const KEYS = [
  [['Drag', 'arrow keys'], 'move the image, once zoomed in'],
  [['Wheel', '+', '−', 'pinch'], 'zoom'],
  [['Right drag', 'Shift + drag', 'Shift + arrows'],
    'brightness (up, down) and contrast (left, right)'],
  [['Double click', '0'], 'reset zoom, brightness, contrast, inversion'],
  [['I'], 'invert'],
  [['B'], 'lung boxes', 'boxes'],
  [['M'], 'lung mask', 'mask'],
  [['L'], 'link or unlink zoom and window of the two images', 'pair'],
  [['F'], 'full screen'],
  [['?'], 'this help'],
];
const WHEEL_WORDS = 'The wheel scrolls the page until you click the image; then it zooms. '
  + 'Ctrl + wheel always zooms. Press Esc to scroll the page again.';

// Per key of a viewer: what the reader has set, kept while the page is open, so that a run of
// the script that mounts the viewer anew does not lose it.
const memory = new Map();

class Viewer {
  constructor(parent) {
    this.parent = parent;
    this.stages = [];
    this.overlays = {boxes: false, mask: false};
    this.ground = make('div', {class: 'stages'});
    this.help = make('div', {class: 'help', role: 'region', 'aria-label': 'Keys', hidden: ''});
    this.spoken = make('div', {class: 'spoken', 'aria-live': 'polite'});
    this.ground.append(this.help);
    this.element = make('div', {class: 'cxr-viewer', role: 'group', 'aria-label': 'X-ray viewer'});
    this.element.append(this.ground, this.makeControls(), this.spoken);
    this.element.addEventListener('fullscreenchange', () => this.redraw());
    this.controls.addEventListener('keydown', event => this.press(event, this.stage));
    parent.append(this.element);
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.ground);
  }

  show({key, height, notice, pictures}) {
    this.recall(key, pictures);
    this.notice.textContent = notice;
    this.element.style.setProperty('--height', `${height}px`);
    this.element.classList.toggle('pair', pictures.length > 1);
    while (this.stages.length > pictures.length) this.stages.pop().frame.remove();
    while (this.stages.length < pictures.length) {
      const stage = new Stage(this, this.stages.length);
      this.stages.push(stage);
      this.ground.insertBefore(stage.frame, this.help);
    }
    this.stages.forEach((stage, i) => stage.show(pictures[i], pictures.length));
    const has = {
      boxes: pictures.some(p => p.boxes.length),
      mask: pictures.some(p => p.mask),
      pair: pictures.length > 1,
    };
    this.buttons.boxes.hidden = !has.boxes;
    this.buttons.mask.hidden = !has.mask;
    this.buttons.link.hidden = !has.pair;
    this.overlayGroup.hidden = !has.boxes && !has.mask;
    this.writeHelp(has);
    this.redraw();
  }

  recall(key, pictures) {
    const names = pictures.map(picture => picture.name);
    const kept = memory.get(key) || {names: [], overlays: this.overlays, linked: true, active: 0};
    const same = names.length === kept.names.length && names.every((n, i) => n === kept.names[i]);
    this.state = same ? kept : {
      ...kept,
      names,
      active: Math.min(kept.active, names.length - 1),
      views: names.map(freshView),
      looks: names.map(freshLook),
    };
    this.overlays = this.state.overlays;
    memory.set(key, this.state);
  }

  // -- changing what is seen

  get stage() { return this.stages[this.state.active]; }

  touched(stage) { return this.state.linked ? this.stages : [stage]; }

  setView(stage, view) {
    const settled = settle(view);
    for (const {index} of this.touched(stage)) this.state.views[index] = {...settled};
    this.redraw();
    this.announce(`Zoom ${Math.round(settled.zoom * 100)} %`);
  }

  setLook(stage, look) {
    for (const {index} of this.touched(stage)) this.state.looks[index] = {...look};
    this.redraw();
    this.announce(`Brightness ${Math.round(look.brightness)}, contrast `
      + `${Math.round(look.contrast)}${look.inverted ? ', inverted' : ''}`);
  }

  invert() { this.setLook(this.stage, {...this.stage.look, inverted: !this.stage.look.inverted}); }

  reset() {
    for (const {index} of this.touched(this.stage)) {
      this.state.views[index] = freshView();
      this.state.looks[index] = freshLook();
    }
    this.redraw();
    this.announce('Reset');
  }

  toggleOverlay(name) {
    if (this.buttons[name].hidden) return;
    this.overlays[name] = !this.overlays[name];
    this.redraw();
    const title = name === 'mask' ? 'Lung mask' : 'Lung boxes';
    this.announce(`${title} ${this.overlays[name] ? 'on' : 'off'}`);
  }

  toggleLink() {
    if (this.stages.length < 2) return;
    this.state.linked = !this.state.linked;
    if (this.state.linked) {
      const {view, look} = this.stage;
      this.state.views = this.stages.map(() => ({...view}));
      this.state.looks = this.stages.map(() => ({...look}));
    }
    this.redraw();
    this.announce(`Zoom and window ${this.state.linked ? 'linked' : 'unlinked'}`);
  }

  toggleFull() {
    if (!document.fullscreenEnabled) return;
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen().then(() => this.stage.element.focus());
  }

  toggleHelp(open = this.help.hidden) {
    this.help.hidden = !open;
    this.buttons.help.setAttribute('aria-expanded', String(open));
    if (open) this.help.focus({preventScroll: true});
    else if (this.help.contains(this.parent.activeElement)) this.buttons.help.focus();
  }

  choose(index) {
    if (this.state.active === index) return;
    this.state.active = index;
    this.redraw();
  }

  // -- wheel and keys

  ownsWheel() {
    const focus = this.parent.activeElement;
    return this.element.matches(':fullscreen') || this.stages.some(s => s.element === focus);
  }

  teachWheel(stage) {
    this.taught = (this.taught || 0) + 1;
    // A scroll is many events: say it at its start, and not for ever.
    if (this.taught < 40) stage.suggest('Click the image, or hold Ctrl, to zoom with the wheel', 2);
  }

  press(event, stage) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inSlider = event.target.matches('input');
    const done = this.pressArrow(event, stage, inSlider) || this.pressSign(event, stage);
    if (!done) return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit has letters of its own
  }

  pressArrow(event, stage, inSlider) {
    const arrow = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    }[event.key];
    if (!arrow || inSlider || event.target !== stage.element) return false;
    if (event.shiftKey) stage.windowBy(arrow[0] * STEP, -arrow[1] * STEP);
    else if (stage.view.zoom > 1) stage.moveBy(-arrow[0] * PAN, -arrow[1] * PAN);
    else return false; // nothing to move: the page may scroll
    return true;
  }

  pressSign(event, stage) {
    const act = {
      '+': () => stage.zoomBy(1.25),
      '=': () => stage.zoomBy(1.25),
      '-': () => stage.zoomBy(0.8),
      '_': () => stage.zoomBy(0.8),
      '0': () => this.reset(),
      i: () => this.invert(),
      b: () => this.toggleOverlay('boxes'),
      m: () => this.toggleOverlay('mask'),
      l: () => this.toggleLink(),
      f: () => this.toggleFull(),
      '?': () => this.toggleHelp(),
      Escape: () => this.leave(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return false;
    act();
    return true;
  }

  leave() {
    if (!this.help.hidden) this.toggleHelp(false);
    else this.parent.activeElement?.blur();
  }

  // Announce what changed once the reader pauses.
  announce(text) {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => { this.spoken.textContent = text; }, 400);
  }

  // -- controls

  makeControls() {
    const button = (name, label, act, ...content) => {
      const element = make('button', {type: 'button', title: label, 'data-act': name}, ...content);
      if (content.every(part => part instanceof SVGElement)) {
        element.setAttribute('aria-label', label);
      }
      element.addEventListener('click', act);
      return element;
    };
    const word = text => make('span', {class: 'word'}, text);
    this.zoomed = make('span', {class: 'zoomed', title: '100 % shows the whole image'});
    this.buttons = {
      out: button('out', 'Zoom out (−)', () => this.stage.zoomBy(0.8), icon('out')),
      in: button('in', 'Zoom in (+)', () => this.stage.zoomBy(1.25), icon('in')),
      invert: button('invert', 'Invert (I)', () => this.invert(), icon('invert'), word('Invert')),
      reset: button('reset', 'Reset (0)', () => this.reset(), icon('reset'), word('Reset')),
      boxes: button('boxes', 'Lung boxes (B)', () => this.toggleOverlay('boxes'), 'Boxes'),
      mask: button('mask', 'Lung mask (M)', () => this.toggleOverlay('mask'), 'Mask'),
      link: button('link', 'Link zoom and window (L)', () => this.toggleLink(),
        icon('link'), word('Link zoom and window')),
      full: button('full', 'Full screen (F)', () => this.toggleFull(), icon('full')),
      help: button('help', 'Keys (?)', () => this.toggleHelp(), '?'),
    };
    const b = this.buttons;
    b.help.setAttribute('aria-label', 'Keys');
    b.help.setAttribute('aria-expanded', 'false');
    b.full.hidden = !document.fullscreenEnabled;
    for (const name of ['invert', 'reset', 'link']) b[name].setAttribute('aria-label', b[name].title);
    const group = (label, ...parts) => make('div', {class: 'set', role: 'group', 'aria-label': label}, ...parts);
    this.notice = make('span', {class: 'notice'});
    this.overlayGroup = group('Overlays', b.boxes, b.mask);
    this.controls = make('div', {class: 'controls', role: 'group', 'aria-label': 'Image controls'});
    this.controls.append(
      group('Zoom', b.out, this.zoomed, b.in),
      group('Appearance', b.invert, b.reset),
      this.overlayGroup,
      this.makeSliders(),
      this.notice,
      group('Viewer', b.link, b.full, b.help),
    );
    return this.controls;
  }

  makeSliders() {
    this.sliders = {};
    const slider = (name, title) => {
      const input = make('input', {type: 'range', min: '-100', max: '100', step: '1'});
      const value = make('span', {class: 'value', 'aria-hidden': 'true'});
      input.addEventListener('input', () => {
        this.setLook(this.stage, {...this.stage.look, [name]: Number(input.value)});
      });
      this.sliders[name] = {input, value};
      return make('label', {class: 'slider'}, make('span', {}, title), input, value);
    };
    return make('div', {class: 'sliders'}, slider('brightness', 'Brightness'),
      slider('contrast', 'Contrast'));
  }

  writeHelp(has) {
    const list = make('dl');
    for (const [keys, meaning, needs] of KEYS) {
      if (needs && !has[needs]) continue;
      const term = make('dt');
      keys.forEach((key, i) => term.append(i ? ', ' : '', make('kbd', {}, key)));
      list.append(term, make('dd', {}, meaning));
    }
    const close = make('button', {type: 'button', class: 'close'}, 'Close');
    close.addEventListener('click', () => this.toggleHelp(false));
    this.help.replaceChildren(list, make('p', {}, WHEEL_WORDS), close);
    this.help.tabIndex = -1;
    this.help.onkeydown = event => {
      if (event.key !== 'Escape' && event.key !== '?') return;
      this.toggleHelp(false);
      event.stopPropagation();
    };
  }

  redraw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      for (const stage of this.stages) stage.redraw();
      this.redrawControls();
    });
  }

  redrawControls() {
    const {view, look} = this.stage;
    this.zoomed.textContent = `${Math.round(view.zoom * 100)} %`;
    for (const [name, {input, value}] of Object.entries(this.sliders)) {
      const rounded = Math.round(look[name]);
      input.value = rounded;
      value.textContent = rounded > 0 ? `+${rounded}` : String(rounded).replace('-', '−');
    }
    const press = (name, on) => this.buttons[name].setAttribute('aria-pressed', String(on));
    press('invert', look.inverted);
    press('boxes', this.overlays.boxes);
    press('mask', this.overlays.mask);
    press('link', this.state.linked);
    press('full', this.element.matches(':fullscreen'));
    const alone = this.stages.length > 1 && !this.state.linked;
    this.stages.forEach(({frame, index}) => {
      frame.classList.toggle('active', alone && index === this.state.active);
    });
  }

  remove() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    this.element.remove();
  }
}

const viewers = new WeakMap();

export default function (component) {
  const {data, parentElement} = component;
  if (!viewers.has(parentElement)) viewers.set(parentElement, new Viewer(parentElement));
  const viewer = viewers.get(parentElement);
  viewer.show(data);
  return () => {
    viewer.remove();
    viewers.delete(parentElement);
  };
}
